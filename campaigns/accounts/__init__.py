"""Accounts: the limiter that all workers share, its permits, and pauses."""
