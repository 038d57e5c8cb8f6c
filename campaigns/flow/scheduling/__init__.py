"""Scheduling: what a worker does when a bell rings, and what makes things due again."""
