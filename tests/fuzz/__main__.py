"""`python -m tests.fuzz NAME|all --count N --seed S`: generated inputs through the code that reads them.

Every module of this folder with a function `run(count, seed)` is a NAME. It returns how many inputs it tried, and
raises AssertionError, which shows the input, for the first that went wrong.
"""

from __future__ import annotations

import argparse
import pkgutil
import time
from importlib import import_module
from pathlib import Path
from types import ModuleType


def parts() -> dict[str, ModuleType]:
    """The modules that can run, by name."""
    names = [found.name for found in pkgutil.iter_modules([str(Path(__file__).parent)])]
    modules = {name: import_module(f"tests.fuzz.{name}") for name in names if not name.startswith(("_", "test_"))}
    return {name: module for name, module in modules.items() if hasattr(module, "run")}


def main() -> None:
    found = parts()
    parser = argparse.ArgumentParser(
        prog="tests.fuzz", description="Generated inputs through the code that reads them."
    )
    parser.add_argument("name", choices=[*found, "all"])
    parser.add_argument("--count", type=int, default=10_000, help="inputs for each part")
    parser.add_argument("--seed", type=int, default=0, help="the same seed generates the same inputs")
    options = parser.parse_args()
    for name, module in found.items():
        if options.name in {name, "all"}:
            started = time.perf_counter()
            tried = module.run(options.count, options.seed)
            print(f"{name}: {tried:,} inputs in {time.perf_counter() - started:.1f} s")  # noqa: T201 (a command)


if __name__ == "__main__":
    main()
