"""Planning: recipients normalised, excluded or cut into batches, as one stream. Pure."""
