"""Metrics for Prometheus, read from the store: true for any number of workers, machines and restarts.

`described` says what there is, `counted` makes samples of the numbers that scripts raise, `seen` and `server` of what
stands in the store at this moment, `exposition` serves both, and `page` writes the reference for people.
"""
