"""Sending: the paid request of a batch, opt-outs before it, and the record of what came of it."""
