"""Single messages: how many a second, beside task queues that keep no ledger, and where the time goes.

`ours` runs the project as it ships and as it is fastest, `measures` makes the benchmark's table of it, and
`python -m tests.benchmarks.singles.profile` prints what a message costs, script by script.
"""
