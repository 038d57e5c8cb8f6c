"""The flow: what a worker does with what is due."""
