"""What the command prints: the screen, tables, progress, previews, files."""
