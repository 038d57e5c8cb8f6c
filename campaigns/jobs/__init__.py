"""Jobs: what a producer hands in, checked whole against the gateway's contract, all errors at once."""
