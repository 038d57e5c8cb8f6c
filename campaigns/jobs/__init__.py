"""Jobs: what a producer hands in, and how it is checked against the gateway's contract. All errors come at once."""
