"""The scripts that run inside Redis, one file per atomic operation."""
