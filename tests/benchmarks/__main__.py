"""`python -m tests.benchmarks`: medians of five and ratios to a baseline of the same run, as a table or as JSON.

`--quick` only shows that the program runs; `--only NAME` runs one part:

- `planning`: a recipient from the job to the store, against orjson, zlib and SET alone; the usual spellings of
  phones, against the gateway's own; bytes in Redis.
- `memory`: what the producer grows by.
- `intake`: an answer of the gateway, against orjson.loads and one HSET; bytes in Redis.
- `sending`: one process, against a bare loop; `usual`: sixteen threads, against a Celery task per recipient.
- `replicas`: enqueueing, sending and intake where each write waits for a replica, against the same without.
- `watching`: the same three with the counters of metrics, and with an exporter that reads them, against neither.
- `latency`: quick messages while a million others are being sent, against idle.
- `singles`: quick messages, from `enqueue` to the recorded answer, as shipped and at best settings, against tasks of
  Celery, dramatiq, huey and taskiq; medians of three. The last three want `deploy/requirements-peers.txt` installed.
- `existing`: dispatch and sweep beside 100,000 active campaigns of one message, as a share of a core.
- `scaling`: 1, 2 and 4 worker processes, and workers on hosts of their own (network namespaces; needs root).
- `million`: from `enqueue` to all READ, with the sandbox as gateway: a table of stages.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from campaigns.store.embedded import EmbeddedServer
from tests.benchmarks.existing import measure_existing
from tests.benchmarks.following import measure_intake
from tests.benchmarks.latency import measure_latency
from tests.benchmarks.measure import Measure, table
from tests.benchmarks.million import measure_million
from tests.benchmarks.planning import measure_memory, measure_planning
from tests.benchmarks.replicas import measure_replicas
from tests.benchmarks.scaling import measure_scaling
from tests.benchmarks.sending import measure_against_usual, measure_sending
from tests.benchmarks.singles.measures import measure_singles
from tests.benchmarks.watching import measure_watching
from workers.app import leave_modules_alone

_PARTS = (
    "planning",
    "memory",
    "intake",
    "sending",
    "usual",
    "replicas",
    "watching",
    "latency",
    "singles",
    "existing",
    "scaling",
    "million",
)


def main() -> None:
    parser = argparse.ArgumentParser(prog="tests.benchmarks", description="Measure against baselines.")
    parser.add_argument("--quick", action="store_true", help="few rounds: shows that it runs, not how fast")
    parser.add_argument("--json", action="store_true", help="print JSON, one measure a line")
    parser.add_argument("--only", help="one part: see above", choices=_PARTS)
    options = parser.parse_args()
    logging.disable()
    leave_modules_alone()  # as every worker does
    measures: list[Measure] = []
    with tempfile.TemporaryDirectory(prefix="campaigns-bench-") as folder, EmbeddedServer() as server:
        parts: dict[str, Callable[..., Iterator[Measure]]] = {
            "planning": partial(measure_planning, server),
            "memory": partial(measure_memory, server),
            "intake": partial(measure_intake, server),
            "sending": partial(measure_sending, server),
            "usual": partial(measure_against_usual, server, Path(folder)),
            "replicas": partial(measure_replicas, server),
            "watching": partial(measure_watching, server),
            "latency": partial(measure_latency, server, Path(folder)),
            "singles": partial(measure_singles, server, Path(folder)),
            "existing": partial(measure_existing, server, Path(folder)),
            "scaling": partial(measure_scaling, server, Path(folder)),
            "million": partial(measure_million, server, Path(folder)),
        }
        for name, part in parts.items():
            if options.only in {None, name}:
                measures += part(quick=options.quick)
    if options.json:
        print("\n".join(json.dumps(measure.as_dict()) for measure in measures))  # noqa: T201 (a command)
    else:
        print(table(measures))  # noqa: T201
    sys.exit(not options.quick and not all(measure.kept for measure in measures))


if __name__ == "__main__":
    main()
