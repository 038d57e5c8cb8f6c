"""`python -m tests.benchmarks.singles.peers.tuning PEER LATENCY NUMBER...`: messages a second with so many under way."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from campaigns.store.embedded import EmbeddedServer
from tests.benchmarks.singles.peers.contests import PEERS, contest
from tests.benchmarks.sink import sink


def main() -> None:
    peers = {peer.name: peer for peer in PEERS}
    parser = argparse.ArgumentParser(prog="tests.benchmarks.singles.peers.tuning")
    parser.add_argument("peer", choices=peers)
    parser.add_argument("latency", type=float, help="of the gateway, in seconds")
    parser.add_argument("under_way", type=int, nargs="+", metavar="number", help="requests under way in each process")
    parser.add_argument("--messages", type=int, default=2000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="campaigns-tuning-") as folder, EmbeddedServer() as server:
        for under_way in options.under_way:
            with (
                sink(options.latency) as url,
                contest(peers[options.peer], under_way, server.url, url, Path(folder)) as found,
            ):
                rate = options.messages / found.end_to_end_s(options.messages)
            print(f"{under_way:>6} {rate:>8.0f}")  # noqa: T201 (a command)


if __name__ == "__main__":
    main()
