"""The reference for people: `campaigns metrics --page` prints it. A test holds the page and the code together."""

from __future__ import annotations

from typing import Final

from campaigns.metrics.described import LABELS, METRICS, Metric

_HEAD: Final = """\
# Metrics

`campaigns metrics` (extra `metrics`) serves these to Prometheus, on port 9808 of this machine unless `--host` and
`--port` say otherwise. All numbers come from the store, so one exporter is enough for all workers on all machines, two
serve the same, and nothing is lost when a process ends. What is read is at most 5 seconds old. While the store does not
answer, `campaigns_up` is 0, and only `campaigns_build_info` comes with it.

Counters begin with the first campaign of the store and are never set back, unless a failover or a backup sets back the
whole ledger. Scripts raise them in the step that changes the state, so that they agree with `campaigns status` and with
the events. They stand in one hash per account, which does not expire. Times are in seconds.

This page is made by `campaigns metrics --page > deploy/guide/reference/metrics.md`.

| metric | type | labels | meaning |
| --- | --- | --- | --- |
"""


def page() -> str:
    """The reference page, as Markdown."""
    rows = "".join(_row(metric) for metric in METRICS)
    spreads = "".join(
        f"| `{metric.full_name}` | {', '.join(f'{bound:g}' for bound in metric.bounds_s)} |\n"
        for metric in METRICS
        if metric.bounds_s
    )
    labels = "".join(f"| `{name}` | {about} |\n" for name, about in sorted(LABELS.items()))
    return (
        f"{_HEAD}{rows}\n## Labels\n\n| label | values |\n| --- | --- |\n{labels}"
        f"\n## Buckets\n\n| histogram | upper bounds, in seconds |\n| --- | --- |\n{spreads}"
    )


def _row(metric: Metric) -> str:
    labels = ", ".join(f"`{label}`" for label in metric.labels)
    return f"| `{metric.full_name}` | {metric.type} | {labels} | {metric.about} |\n"
