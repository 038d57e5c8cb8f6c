"""What `campaigns demo` starts, sends and compares."""
