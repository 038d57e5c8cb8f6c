"""The store: the one door to Redis, its keys, its scripts, and how its server is reached or started."""
