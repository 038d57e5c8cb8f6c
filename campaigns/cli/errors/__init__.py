"""Errors as messages, exit codes and advice."""
