"""Task queues that post a single message a task and keep no ledger, each as its documentation recommends.

A module an application: what a user of that queue would write. Each reads `PEER_REDIS` and `PEER_GATEWAY` from the
environment; `producing` enqueues at them, and `contests` starts their workers.
"""
