"""`python -m campaigns.sandbox --port 0 --speed 60`: prints its address, serves until SIGINT or SIGTERM."""

from __future__ import annotations

import argparse
import sys

from campaigns.sandbox.options import Options, changed
from campaigns.sandbox.server import serve


def main() -> None:
    parser = argparse.ArgumentParser(prog="campaigns.sandbox", description="A local gateway.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8025)
    parser.add_argument("--speed", type=float, default=1.0, help="seconds of delivery life per second")
    parser.add_argument("--dialect", default="documented", help="how it answers: see campaigns.sandbox.dialects")
    parser.add_argument("--balance", default="1000", help="euros of a token seen for the first time")
    parser.add_argument("--token", default="", help="the only token that is let in (default: any)")
    options = parser.parse_args()
    chosen = {name: getattr(options, name) for name in ("speed", "dialect", "balance", "token")}
    try:
        serve(options.host, options.port, options=changed(Options(), chosen), ready=_announce)
    except ValueError as error:
        sys.exit(f"campaigns.sandbox: {error}")
    except OSError as error:
        sys.exit(f"campaigns.sandbox: cannot listen on {options.host}:{options.port}: {error.strerror}")


def _announce(url: str) -> None:
    sys.stdout.write(f"sandbox listening on {url}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
