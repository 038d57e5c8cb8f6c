"""Text: foreign text that cannot act where it is shown, values that nothing can carry, and numbers and times in words."""
