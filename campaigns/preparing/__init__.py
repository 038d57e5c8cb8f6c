"""Preparing: a job checked, planned and held against its limits before anything is stored."""
