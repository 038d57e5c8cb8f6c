"""What `campaigns doctor` checks, one module per subject."""
