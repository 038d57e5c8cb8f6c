"""Tracking: statuses and replies polled, and callbacks, which say that a poll is worth while."""
