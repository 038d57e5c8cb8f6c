"""The image and compose.yaml by hand: each container is a folder, a first process and a network that they share."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

from tests.deploy.debian.image import Stage, build, python_image, run_in_build
from tests.deploy.debian.root import HERE, LOGIN, StepError, copied
from tests.deploy.debian.traffic import SETTINGS, Traffic, accepted
from tests.deploy.debian.walk_systemd import check_out, counted, expect, said, wait_until
from tests.deploy.files import ASIDE, DEPLOY, compose, compose_processes, procfile

#: What the operator sets for compose: the sandbox instead of the gateway, and callbacks.
_VARIABLES: Final = {
    "CAMPAIGNS_GATEWAY_URL": "http://sandbox:8025",
    "CAMPAIGNS_CALLBACK_BASE_URL": "http://callbacks:8026",
}
#: What the image of the store has beyond a Debian: a server under its name, a user and a folder.
_STORE: Final = """apt-get update && apt-get install --yes redis-server
ln -s redis-server /usr/bin/valkey-server && ln -s redis-cli /usr/bin/valkey-cli
install -d -o 999 -g 999 /data"""
_TOKEN: Final = "token-of-the-walk\n"


class Container:
    """One service of compose.yaml, started as it says and ended as Docker does."""

    def __init__(self, name: str, stage: Stage, network: int, token: Path) -> None:
        self.name = name
        self._service: dict[str, Any] = compose()["services"][name]
        self._stage = stage
        self._enter = ["nsenter", "--target", str(network), "--net", "--uts"]
        self._token = token
        self._running: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        log = self._stage.folder.with_name(f"{self.name}.log").open("ab")
        line = [*self._enter, str(HERE / "shut-in"), str(self._stage.folder), self._user(), "tmp", self._mounts()]
        words = ["env", "-C", self._stage.where, *self._words()]
        self._running = subprocess.Popen(
            [*line, *words], env=self.env(), stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
        log.close()

    def first_process(self) -> int:
        """Its id, seen from here. Raises StepError while there is none."""
        starter = self._running.pid if self._running else 0
        children = Path(f"/proc/{starter}/task/{starter}/children")
        found = children.read_text("utf-8").split() if children.exists() else []
        if not found:
            raise StepError(f"{self.name} does not run:\n{self.output()[-3000:]}")
        return int(found[0])

    def end(self, by: signal.Signals) -> float:
        """As `docker stop` and `docker kill`. Returns the seconds it took; raises StepError after its grace period."""
        began_s = time.monotonic()
        os.kill(self.first_process(), by)
        assert self._running is not None
        try:
            self._running.wait(float(str(self._service.get("stop_grace_period", "10s")).rstrip("s")))
        except subprocess.TimeoutExpired:
            raise StepError(f"{self.name} does not end by {by.name}:\n{self.output()[-3000:]}") from None
        return time.monotonic() - began_s

    def run(self, words: list[str], stdin: str = "") -> str:
        """As `docker compose exec -T`. Raises StepError."""
        enter = [
            "nsenter",
            "--target",
            str(self.first_process()),
            "--mount",
            "--pid",
            "--net",
            "--uts",
            "--ipc",
            "--root",
        ]
        uid, _, gid = self._user().partition(":")
        become = ["setpriv", "--reuid", uid, "--regid", gid, "--clear-groups", "--no-new-privs", "--bounding-set=-all"]
        command = [*enter, *become, "env", "-C", self._stage.where, *words]
        ended = subprocess.run(command, env=self.env(), input=stdin, capture_output=True, text=True, check=False)
        if ended.returncode:
            raise StepError(
                f"{self.name}: {shlex.join(words)}\n[exit code {ended.returncode}]\n{ended.stdout}{ended.stderr}"
            )
        return ended.stdout

    def is_healthy(self) -> bool:
        """What the health check says that compose.yaml sets, else the image's."""
        kind, *words = self._service["healthcheck"]["test"]
        expect(kind == "CMD", f"{self.name} has another kind of health check: {kind}")
        self.run(words)
        return True

    def env(self) -> dict[str, str]:
        set_here = {name: _resolved(value) for name, value in self._service.get("environment", {}).items()}
        return {**self._stage.env, **set_here, **(SETTINGS if self.name in compose_processes() else {})}

    def output(self) -> str:
        return self._stage.folder.with_name(f"{self.name}.log").read_text("utf-8", "replace")

    def stop(self) -> None:
        if self._running is not None and self._running.poll() is None:
            os.kill(self.first_process(), signal.SIGKILL)
            self._running.wait(30)

    def _words(self) -> list[str]:
        command = self._service["command"]
        return shlex.split(command) if isinstance(command, str) else list(command)

    def _user(self) -> str:
        if "user" in self._service:
            return str(self._service["user"])
        lines = (self._stage.folder / "etc/passwd").read_text("utf-8").splitlines()
        (found,) = [line.split(":") for line in lines if line.startswith(f"{self._stage.user}:")]
        return f"{found[2]}:{found[3]}"

    def _mounts(self) -> str:
        secrets = [f"{self._token}:/run/secrets/{name}" for name in self._service.get("secrets", [])]
        places = [place.split(":") for place in self._service.get("volumes", [])]
        return "\n".join([*secrets, *(f"{self._outside(source)}:{target}" for source, target, *_ in places)])

    def _outside(self, source: str) -> Path:
        """A file of the project, or the folder of a volume, to which the image lends its own's owner."""
        if source.startswith("./"):
            return DEPLOY / source
        volume = self._token.with_name(f"volume-{source}")
        volume.mkdir(exist_ok=True)
        os.chown(volume, *map(int, self._user().split(":")))
        return volume


def walk(folder: Path, debian: Path) -> None:
    """Build, start all, hand in a campaign, end each container twice. Raises StepError."""
    checkout = copied(debian, folder / "checkout")
    check_out(checkout)
    token = folder / "viber_token.txt"
    token.write_text(_TOKEN, "utf-8")
    token.chmod(0o400)
    os.chown(token, 10001, 0)
    image = build(python_image(debian, folder / "python"), checkout / "root/viber-campaigns")
    store = store_image(debian, folder / "store")
    name_all(image, store)
    said("the image is built, line by line")
    with ExitStack() as stack:
        network = stack.enter_context(shared_network())
        images = dict.fromkeys(compose()["services"], image) | {"store": store}
        containers = {name: Container(name, images[name], network, token) for name in images}
        for each in containers.values():
            stack.callback(each.stop)
        follow(containers)


def store_image(debian: Path, folder: Path) -> Stage:
    """In the place of the image that compose.yaml names: a Debian with such a server."""
    copied(debian, folder)
    run_in_build(folder, _STORE, "/", LOGIN)
    return Stage(folder, where="/data")


def name_all(*images: Stage) -> None:
    """Every service has its name in the network."""
    for image in images:
        hosts = " ".join(compose()["services"])
        (image.folder / "etc/hosts").write_text(f"127.0.0.1 localhost {hosts}\n", "utf-8")


@contextmanager
def shared_network() -> Iterator[int]:
    """The id of a process that holds a network of its own: a loopback, on which the names of all services are one."""
    words = [
        "unshare",
        "--net",
        "--uts",
        "sh",
        "-c",
        "hostname walk && ip link set lo up && echo up && exec sleep infinity",
    ]
    holder = subprocess.Popen(words, stdout=subprocess.PIPE)
    try:
        assert holder.stdout is not None
        expect(holder.stdout.readline() == b"up\n", "there is no network of its own to be had")
        yield holder.pid
    finally:
        holder.kill()
        holder.wait(30)


def follow(containers: dict[str, Container]) -> None:
    """What compose does with `up`, then what an operator does."""
    for name in ("store", "sandbox", *procfile(), *sorted(ASIDE)):
        containers[name].start()
        if name == "store":
            wait_until(containers[name].is_healthy)
    for each in containers.values():
        wait_until(each.is_healthy)
    asked = containers["quick"]
    traffic = Traffic(lambda lines, stdin: _typed(asked, lines, stdin), "python", sandbox="sandbox:8025")
    campaign = traffic.campaign()
    for name in (*procfile(), *sorted(ASIDE), "store"):
        restart(containers[name], traffic, hands_in=name != "store")
    said(f"all were ended; the campaign has {counted(traffic.status(campaign))}")
    wait_until(lambda: is_over(traffic, campaign), timeout_s=300)
    judge(containers, traffic, campaign)


def _typed(asked: Container, lines: str, stdin: str) -> str:
    """A line of the documents, where the address of the store is compose's."""
    return asked.run(["sh", "-c", lines], stdin.replace("redis://127.0.0.1:6379/0", "redis://store:6379/0"))


def restart(each: Container, traffic: Traffic, *, hands_in: bool) -> None:
    for by in (signal.SIGTERM, signal.SIGKILL):
        took_s = each.end(by)
        each.start()
        wait_until(each.is_healthy)
        said(f"{each.name} was ended by {by.name} within {took_s:.1f} s, and is healthy again")
    if hands_in:
        traffic.quick()
        traffic.submitted()


def is_over(traffic: Traffic, campaign: str) -> bool:
    return bool(traffic.status(campaign)["state"] == "finished" and set(traffic.sent()) >= set(traffic.phones))


def judge(containers: dict[str, Container], traffic: Traffic, campaign: str) -> None:
    """Everybody got each message once, every container is healthy, and nothing was written where nothing may be."""
    sent = traffic.sent()
    expect(sorted(sent.elements()) == sorted(traffic.phones), f"the sandbox sent {sent.total()}: {sent.most_common(3)}")
    status = traffic.status(campaign)
    expect(status["balanced"] and not status["double_sends"], json.dumps(status))
    asked = containers["quick"]
    said(_typed(asked, "campaigns doctor", ""))
    wait_until(lambda: counted_by_metrics(asked) == sent.total())
    for each in containers.values():
        each.is_healthy()
    for name in procfile():
        expect(_TOKEN.strip() not in containers[name].output(), f"{name} logs its token")
    said(f"{sent.total()} messages, each once; the campaign: {counted(status)}")


def counted_by_metrics(asked: Container) -> int:
    return accepted(lambda lines, stdin: _typed(asked, lines, stdin), "python", metrics="metrics:9808")


def _resolved(value: str) -> str:
    """As compose does with what the operator has set."""
    return re.sub(r"\$\{(\w+):-([^}]*)\}", lambda found: _VARIABLES.get(found[1], found[2]), str(value))
