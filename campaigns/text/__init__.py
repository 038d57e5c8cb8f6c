"""Text: foreign text in a form that cannot act, values that nothing can carry, and numbers and times in words."""
