"""Prints what runs beside this project as a bill of materials (CycloneDX 1.5, JSON), made from the runtime lock.

`python deploy/sbom.py > sbom.json`. It needs nothing but Python, and says the same each time.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

_ROOT = Path(__file__).parent.parent
#: A package, its version, and all lines that belong to it.
_PIN = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)(.*(?:\n[ \t].*)*)", re.MULTILINE)
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")


def components(lock: str) -> list[dict[str, Any]]:
    """One for each package of a lock file, by name. Its hashes are those of all files that may be installed."""
    return [
        {
            "type": "library",
            "bom-ref": f"pkg:pypi/{name.lower()}@{version}",
            "name": name,
            "version": version,
            "purl": f"pkg:pypi/{name.lower()}@{version}",
            "hashes": [{"alg": "SHA-256", "content": digest} for digest in _HASH.findall(rest)],
        }
        for name, version, rest in sorted(_PIN.findall(lock), key=lambda found: found[0].lower())
    ]


def bill(lock: str, version: str) -> dict[str, Any]:
    """`version` of this project."""
    ours = f"pkg:pypi/viber-campaigns@{version}"
    about = {"type": "application", "bom-ref": ours, "name": "viber-campaigns", "version": version, "purl": ours}
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {"component": about},
        "components": components(lock),
    }


def main() -> None:
    source = (_ROOT / "campaigns" / "__init__.py").read_text("utf-8")
    version = re.search(r'^__version__ = "([^"]+)"', source, re.MULTILINE)
    if version is None:
        sys.exit("campaigns/__init__.py tells no version")
    lock = (_ROOT / "deploy" / "requirements.txt").read_text("utf-8")
    sys.stdout.write(json.dumps(bill(lock, version[1]), indent=2) + "\n")


if __name__ == "__main__":
    main()
