"""The flow: what a woken worker does, one module per wake-up."""
