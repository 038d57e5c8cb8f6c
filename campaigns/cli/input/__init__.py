"""What the command is given: options, ids, phones, job files."""
