"""The gateway's answers in: their shapes, their rows, and what they hold as values."""
