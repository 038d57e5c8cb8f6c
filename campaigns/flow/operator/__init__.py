"""What a person decides about batches, accounts, times and failovers."""
