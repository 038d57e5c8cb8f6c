"""Doubt: checks of the listing, evidence, absence and double sends."""
