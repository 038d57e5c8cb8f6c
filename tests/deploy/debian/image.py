"""deploy/Dockerfile, carried out by hand, line by line, in folders that hold a Debian each."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.deploy.debian.root import HERE, LOGIN, StepError, copied, surroundings
from tests.deploy.files import DEPLOY

#: What the image python:*-slim has beyond a Debian.
_PYTHON: Final = "apt-get update && apt-get install --yes python3-venv && ln -s /usr/bin/python3 /usr/local/bin/python"


@dataclass
class Stage:
    """One stage of a build: its folder, and what its instructions have set so far."""

    folder: Path
    where: str = "/"
    user: str = "root"
    env: dict[str, str] = field(default_factory=lambda: dict(LOGIN))
    command: list[str] = field(default_factory=list)
    health: list[str] = field(default_factory=list)


def python_image(debian: Path, folder: Path) -> Path:
    """In the place of the image that the stages begin with: a Debian with Python."""
    copied(debian, folder)
    run_in_build(folder, _PYTHON, "/", LOGIN)
    return folder


def instructions() -> list[tuple[str, str]]:
    """Name and rest of each."""
    text = (DEPLOY / "Dockerfile").read_text("utf-8").replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return [(line.split(None, 1)[0], line.split(None, 1)[1]) for line in lines]


def build(base: Path, context: Path) -> Stage:
    """Carry out all instructions on copies of `base`. Returns the last stage. Raises StepError, or ValueError."""
    stages: dict[str, Stage] = {}
    stage = Stage(base)
    for name, rest in instructions():
        if name == "FROM":
            key = rest.partition(" AS ")[2] or str(len(stages))
            stage = stages[key] = Stage(copied(base, base.with_name(f"stage-{key}")))
        else:
            _carry_out(name, rest, stage, stages, context)
    return stage


def _carry_out(name: str, rest: str, stage: Stage, stages: dict[str, Stage], context: Path) -> None:
    match name:
        case "WORKDIR":
            stage.where = rest
            (stage.folder / rest[1:]).mkdir(parents=True, exist_ok=True)
        case "RUN":
            run_in_build(stage.folder, rest, stage.where, stage.env)
        case "COPY":
            _copy(rest.split(), stage, stages, context)
        case "ENV":
            for word in shlex.split(rest):
                key, _, value = word.partition("=")
                stage.env[key] = value.replace("$PATH", stage.env["PATH"])
        case "USER":
            stage.user = rest
        case "HEALTHCHECK":
            stage.health = json.loads(rest.partition("CMD ")[2])
        case "CMD":
            stage.command = json.loads(rest)
        case "STOPSIGNAL" if rest == "SIGTERM":
            pass
        case _:
            raise ValueError(f"nobody knows how to do this by hand: {name} {rest}")


def run_in_build(folder: Path, lines: str, where: str, env: dict[str, str]) -> None:
    """As root, with the machine's network. Raises StepError."""
    words = ["/bin/sh", "-c", f"cd {where} && {lines}"]
    command = [str(HERE / "shut-in"), str(folder), "0:0", "root", "", *words]
    ended = subprocess.run(
        command, env={**surroundings(network=True), **env}, capture_output=True, text=True, check=False
    )
    if ended.returncode:
        raise StepError(f"RUN {lines}\n[exit code {ended.returncode}]\n{ended.stdout}{ended.stderr}")


def _copy(words: list[str], stage: Stage, stages: dict[str, Stage], context: Path) -> None:
    """From another stage, or from the context as far as Dockerfile.dockerignore lets it through."""
    origin = context
    if words[0].startswith("--from="):
        origin = stages[words.pop(0).removeprefix("--from=")].folder
    else:
        _let_through(words[:-1])
    for source in words[:-1]:
        target = stage.folder / os.path.normpath(os.path.join(stage.where, words[-1]))[1:]
        start = origin / source.lstrip("/")
        if start.is_dir():
            shutil.copytree(start, target, symlinks=True, dirs_exist_ok=True)
        else:
            shutil.copyfile(start, target / start.name if words[-1].endswith("/") else _with_parent(target))


def _let_through(sources: list[str]) -> None:
    ignored = (DEPLOY / "Dockerfile.dockerignore").read_text("utf-8").splitlines()
    missing = [source for source in sources if f"!{source}" not in ignored]
    if missing:
        raise StepError(f"Dockerfile.dockerignore keeps back {missing}")


def _with_parent(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path
