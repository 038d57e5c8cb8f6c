"""Viber campaigns: enqueue, send, follow, hand on."""

__version__ = "0.1.0"
