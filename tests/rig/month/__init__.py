"""A month of traffic in minutes: does the store come back to its bound, and does nothing pause or stay open?

`python -m tests.rig.month` sends 20,000 single messages and three campaigns of 100,000 a day for 33 days, follows each
for its three days, and goes on without new traffic until everything has expired. `--scale 0.01` sends a hundredth.

The store is a real server under libfaketime. Its clock is set forward with the simulation, by `--step-s` at a time, and so
is the clock since boot of this process: to the store an hour has passed for every process, no clock was set, and what
has outlived its time expires by the server's own rules. Between two steps everything is done that is due, in this
process, by the code that workers run. The gateway is a function of this process.

What is unlike production, and why it changes no figure that is printed:

- The steps make the polls of a message's first minutes fewer.
- No rate limit holds anything up: limits are measured elsewhere.
- Nothing is written to disk: this is about memory.
- Sweeping makes a whole round every `--sweep-h` hours, not every half a minute: what it finds is the same, only later.
- The cap of events is less than a day makes, so that it is reached where no group reads.
- A server finds expired keys by checking some now and then, for which a simulated day is too short. The
  count at midnight reads every key, and so removes them all.
"""
