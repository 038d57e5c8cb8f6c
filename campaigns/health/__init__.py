"""Health: signs of life of processes, and when one no longer makes progress."""
