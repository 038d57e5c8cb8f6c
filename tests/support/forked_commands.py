"""Runs commands side by side, each in a fork: `forked_commands.py '[["list"], ["resume-account", "default"]]'`.

Prints one JSON document a line: the arguments, the exit code, what came on standard error, and seconds.
"""

from __future__ import annotations

import json
import os
import sys
import time

from click.testing import CliRunner

from campaigns.cli.command_line import cli


def main() -> None:
    commands: list[list[str]] = json.loads(sys.argv[1])
    children = []
    for arguments in commands:
        child = os.fork()
        if child == 0:
            began_s = time.monotonic()
            result = CliRunner().invoke(cli, arguments)
            took_s = time.monotonic() - began_s
            document = [arguments, result.exit_code, result.stderr, result.output, took_s]
            os.write(1, json.dumps(document).encode() + b"\n")  # short enough to be written as one
            os._exit(0)
        children.append(child)
    for child in children:
        os.waitpid(child, 0)


if __name__ == "__main__":
    main()
