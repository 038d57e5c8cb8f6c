"""What others write, by the million: nothing raises but our own errors, nothing hangs, nothing private is said."""
