"""The broker: how it is reached, the bells that go through it, and the jobs that come out of it."""
