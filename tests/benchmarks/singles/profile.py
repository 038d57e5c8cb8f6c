"""`python -m tests.benchmarks.singles.profile`: what a single message costs, from `enqueue` to its recorded answer.

It sends the messages twice. First as they are: rate, processor time of every process, and the counters of the server.
Then with the server logging everything: scripts by name, how often a message runs each, and what each takes.
`--alone` leaves the workers out, so that only `enqueue` is measured.
"""

from __future__ import annotations

import argparse
import logging
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from campaigns.store.embedded import EmbeddedServer
from tests.benchmarks.procfile import cpu_s
from tests.benchmarks.singles.ours import Scene, fastest, hand_in, producer, scene, shipped
from tests.benchmarks.singles.serverside import Asked, Totals, logged, totals
from tests.benchmarks.sink import sink

_LAYOUTS = {"shipped": shipped, "fastest": fastest}


def main() -> None:
    parser = argparse.ArgumentParser(prog="tests.benchmarks.singles.profile", description=__doc__)
    parser.add_argument("--messages", type=int, default=1000, metavar="N")
    parser.add_argument("--latency", type=float, default=0.05, metavar="SECONDS", help="of the gateway")
    parser.add_argument("--layout", choices=_LAYOUTS, default="shipped")
    parser.add_argument("--many", action="store_true", help="by enqueue_many")
    parser.add_argument("--followed", action="store_true", help="with statuses and replies, as is the default")
    parser.add_argument("--alone", action="store_true", help="enqueue without workers")
    options = parser.parse_args()
    logging.disable()
    with _scene(options) as found:
        print(_profile(found, options))  # noqa: T201 (a command)


@contextmanager
def _scene(options: argparse.Namespace) -> Iterator[Scene]:
    with tempfile.TemporaryDirectory(prefix="campaigns-profile-") as folder, EmbeddedServer() as server:
        if options.alone:
            found = Scene(producer(server.url, "singles:"), {})
            _send(found, 20, options)
            yield found
            return
        layout = _LAYOUTS[options.layout]()
        with sink(options.latency) as url, scene(layout, server.url, url, Path(folder)) as found:
            yield found


def _send(found: Scene, number: int, options: argparse.Namespace) -> float:
    """How long it took, in seconds."""
    if not options.alone:
        return found.end_to_end_s(number, many=options.many, followed=options.followed)
    jobs = found.jobs(number, followed=options.followed)
    started = time.perf_counter()
    hand_in(found.services, jobs, many=options.many)
    return time.perf_counter() - started


def _profile(found: Scene, options: argparse.Namespace) -> str:
    redis, number = found.services.store.redis, options.messages
    before, spent_s = totals(redis), _spent(found)
    took_s = _send(found, number, options)
    used = totals(redis) - before
    spent_s = {name: s - spent_s[name] for name, s in _spent(found).items()} | {"server": used.cpu_s}
    with logged(redis) as asked:
        _send(found, number, options)
    return "\n".join(
        [
            f"{number / took_s:.0f} messages a second; each of what follows is of one message",
            "",
            *_of_processes(spent_s, number),
            "",
            *_of_server(used, number),
            "",
            *_of_scripts(asked, number),
        ]
    )


def _spent(found: Scene) -> dict[str, float]:
    """Processor time of each process so far, in seconds."""
    workers = {name: cpu_s(process) for name, process in found.processes.items()}
    return {"this producer": time.process_time(), **workers}


def _of_processes(spent_s: Mapping[str, float], number: int) -> Iterator[str]:
    yield f"{'processor time':<28}{'us':>10}"
    for name, seconds in spent_s.items():
        yield f"{name:<28}{seconds / number * 1e6:>10.0f}"


def _of_server(used: Totals, number: int) -> Iterator[str]:
    yield f"{'server':<28}{'':>10}"
    lines = {
        "scripts": used.scripts,
        "commands, in scripts too": used.commands,
        "reads of sockets": used.reads,
        "turns of its loop": used.loops,
        "us busy": used.busy_us,
        "us in commands": used.commands_us,
        "us reading, writing, syncing": used.busy_us - used.commands_us,
        "bytes in": used.bytes_in,
        "bytes out": used.bytes_out,
        "bytes of the file": used.file_bytes,
        "bytes of memory": used.memory_bytes,
    }
    for name, value in lines.items():
        yield f"{name:<28}{value / number:>10.2f}"


def _of_scripts(asked: Mapping[str, Asked], number: int) -> Iterator[str]:
    yield f"{'script or (command)':<28}{'calls':>10}{'us a call':>11}{'us':>9}  what it calls"
    for name, one in sorted(asked.items(), key=lambda item: -item[1].us):
        inner = ", ".join(f"{word} {times / one.calls:.1f}" for word, times in one.inner.most_common(8))
        calls, us = one.calls / number, one.us / number
        yield f"{name:<28}{calls:>10.2f}{one.us / one.calls:>11.1f}{us:>9.1f}  {inner}"
    everything = sum(one.us for one in asked.values())
    yield f"{'all of them':<28}{sum(one.calls for one in asked.values()) / number:>10.2f}{'':>11}{everything / number:>9.1f}"


if __name__ == "__main__":
    main()
