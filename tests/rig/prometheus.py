"""A real Prometheus with the project's alert rules, whose times are shortened, so that a quarter of an hour is a minute."""

from __future__ import annotations

import json
import re
import shutil
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from campaigns.metrics.exposition import registry_of, serve
from campaigns.metrics.reading import FRESH_S, Reader, read
from campaigns.settings import Settings
from campaigns.wiring import INTERACTIVE, open_store
from tests.rig.weather import open_port
from tests.support.processes import ROOT, Process

_RULES = ROOT / "deploy" / "monitoring" / "alerts.yaml"
#: As the guide configures it.
_SCRAPE_S = 15.0
_SECONDS = {"s": 1, "m": 60, "h": 3600}
_DURATION = re.compile(r"(\d+)([smh])")


def is_here() -> bool:
    return shutil.which("prometheus") is not None


def shortened(rules: str, factor: float) -> dict[str, Any]:
    """The rules with every `for`, range and bound of an age or a duration divided by `factor`."""
    document: dict[str, Any] = yaml.safe_load(rules)
    for group in document["groups"]:
        group["interval"] = _short("15s", factor)
        for rule in group["rules"]:
            rule["expr"] = _expression(rule["expr"], factor)
            if "for" in rule:
                rule["for"] = _short(rule["for"], factor)
    return document


def _expression(expr: str, factor: float) -> str:
    expr = re.sub(r"\[(\w+)\]", lambda found: f"[{_short(found[1], factor)}]", expr)
    expr = re.sub(r"offset (\w+)", lambda found: f"offset {_short(found[1], factor)}", expr)
    if "_seconds" not in expr or "clock" in expr:
        return expr
    return re.sub(r"> (\d+)\b", lambda found: f"> {int(found[1]) / factor:.3f}", expr)


def _short(duration: str, factor: float) -> str:
    number, unit = _DURATION.fullmatch(duration).groups()  # type: ignore[union-attr]
    return f"{round(int(number) * _SECONDS[unit] * 1000 / factor)}ms"


class Prometheus:
    """Scrapes an exporter of `settings` and evaluates the rules. Use it as a context manager."""

    def __init__(self, folder: Path, settings: Settings, factor: float, env: dict[str, str]) -> None:
        self._settings, self._factor, self._folder, self._env = settings, factor, folder, env
        self._url = f"127.0.0.1:{open_port()}"
        self._endings: list[Callable[[], object]] = []

    def __enter__(self) -> Prometheus:
        exporter = open_port()
        store = open_store(self._settings, INTERACTIVE)
        reader = Reader(lambda: read(store, self._settings), fresh_s=FRESH_S / self._factor)
        # Not `campaigns metrics`, whose figures may be five seconds old, shortened or not.
        self._endings.append(serve(registry_of(reader.samples), "127.0.0.1", exporter).shutdown)
        process = Process("prometheus", self._command(exporter), self._env, self._folder)
        self._endings.append(process.stop)
        process.wait_for("Server is ready to receive web requests")
        return self

    def __exit__(self, *_: object) -> None:
        for end in reversed(self._endings):
            end()

    def firing(self) -> set[str]:
        """The names of all alerts that fire now."""
        with urllib.request.urlopen(f"http://{self._url}/api/v1/alerts", timeout=30) as answer:
            alerts = json.load(answer)["data"]["alerts"]
        return {alert["labels"]["alertname"] for alert in alerts if alert["state"] == "firing"}

    def _command(self, exporter: int) -> list[str]:
        rules, config = self._folder / "rules.yaml", self._folder / "prometheus.yaml"
        rules.write_text(yaml.safe_dump(shortened(_RULES.read_text("utf-8"), self._factor)), "utf-8")
        often = _short(f"{round(_SCRAPE_S)}s", self._factor)
        document = {
            "global": {"scrape_interval": often, "scrape_timeout": often, "evaluation_interval": often},
            "rule_files": [str(rules)],
            "scrape_configs": [
                {"job_name": "campaigns", "static_configs": [{"targets": [f"127.0.0.1:{exporter}"]}]},
            ],
        }
        config.write_text(yaml.safe_dump(document), "utf-8")
        return [
            "prometheus",
            f"--config.file={config}",
            f"--storage.tsdb.path={self._folder / 'data'}",
            f"--web.listen-address={self._url}",
        ]
