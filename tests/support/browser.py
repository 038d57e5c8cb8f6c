"""Chromium, driven over its remote debugging with the standard library alone."""

from __future__ import annotations

import base64
import json
import secrets
import socket
import struct
import subprocess
import time
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

#: The one name besides loopback that Chromium finds: as if its address were this machine's.
REBOUND = "rebound.example"


class Browser:
    """One headless Chromium with one tab, which finds no host but loopback. Use it as a context manager."""

    def __init__(self, folder: Path) -> None:
        self.events: list[dict[str, Any]] = []
        self._number = 0
        command = [
            "chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-sync",
            "--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage",
            f"--host-resolver-rules=MAP {REBOUND} 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
            "--remote-debugging-port=0", f"--user-data-dir={folder}", "about:blank",
        ]  # fmt: skip
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            port = self._port(folder / "DevToolsActivePort")
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/json", timeout=10) as answer:
                tab = next(target for target in json.load(answer) if target["type"] == "page")
            self._connect(tab["webSocketDebuggerUrl"])
            for domain in ("Runtime", "Log", "Page", "Network"):
                self.command(f"{domain}.enable")
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        if hasattr(self, "_socket"):
            self._file.close()
            self._socket.close()
        self._process.terminate()
        self._process.wait(10)

    def __enter__(self) -> Browser:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def open(self, url: str, *, width: int = 1280, scheme: str = "light") -> None:
        metrics = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": False}
        self.command("Emulation.setDeviceMetricsOverride", **metrics)
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.command("Emulation.setEmulatedMedia", features=features)
        self.command("Page.navigate", url="about:blank")
        self.command("Page.navigate", url=url)
        self.until("document.readyState === 'complete' && location.protocol !== 'about:'")

    def value(self, expression: str) -> Any:
        """What a JavaScript expression gives; a promise is awaited."""
        asked = {"expression": expression, "awaitPromise": True, "returnByValue": True, "userGesture": True}
        answer = self.command("Runtime.evaluate", **asked)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def until(self, expression: str, timeout_s: float = 10.0) -> None:
        """Wait until an expression is true."""
        end = time.monotonic() + timeout_s
        while not self.value(f"Boolean({expression})"):
            assert time.monotonic() < end, f"not in time: {expression}"
            time.sleep(0.05)

    def key(self, key: str, text: str = "") -> None:
        code = {"Enter": 13, "Tab": 9, "ArrowDown": 40, "ArrowUp": 38}[key]
        common = {"key": key, "code": key, "windowsVirtualKeyCode": code}
        self.command("Input.dispatchKeyEvent", type="keyDown", text=text, **common)
        self.command("Input.dispatchKeyEvent", type="keyUp", **common)

    def type(self, text: str) -> None:
        self.command("Input.insertText", text=text)

    def picture(self) -> bytes:
        """The window as PNG."""
        return base64.b64decode(self.command("Page.captureScreenshot")["data"])

    def asked_for(self) -> list[str]:
        """The addresses of all requests so far."""
        sent = [event for event in self.events if event["method"] == "Network.requestWillBeSent"]
        return [event["params"]["request"]["url"] for event in sent]

    def complaints(self) -> list[str]:
        """Errors, warnings and violations of the policy so far."""
        bad = {"Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded", "Page.javascriptDialogOpening"}
        return [json.dumps(event) for event in self.events if event["method"] in bad]

    def command(self, method: str, **parameters: Any) -> dict[str, Any]:
        self._number += 1
        self._send(json.dumps({"id": self._number, "method": method, "params": parameters}).encode())
        while True:
            message = json.loads(self._receive())
            if message.get("id") == self._number:
                assert "error" not in message, message
                return dict(message["result"])
            self.events.append(message)

    def _port(self, file: Path) -> str:
        end = time.monotonic() + 20
        while not (file.exists() and file.read_text("utf-8")):
            assert self._process.poll() is None, "chromium ended"
            assert time.monotonic() < end, "chromium did not start"
            time.sleep(0.05)
        return file.read_text("utf-8").split()[0]

    def _connect(self, url: str) -> None:
        parts = urlsplit(url)
        self._socket = socket.create_connection((str(parts.hostname), int(parts.port or 0)), timeout=20)
        self._file = self._socket.makefile("rb")
        head = (
            f"GET {parts.path} HTTP/1.1", f"Host: {parts.netloc}", "Upgrade: websocket", "Connection: Upgrade",
            f"Sec-WebSocket-Key: {base64.b64encode(secrets.token_bytes(16)).decode()}", "Sec-WebSocket-Version: 13",
        )  # fmt: skip
        self._socket.sendall("\r\n".join([*head, "", ""]).encode())
        assert b" 101 " in self._file.readline()
        while self._file.readline().strip():
            pass

    def _send(self, data: bytes) -> None:
        mask, size = secrets.token_bytes(4), len(data)
        length = bytes([0x80 | size]) if size < 126 else b"\xfe" + struct.pack(">H", size)
        if size >= 1 << 16:
            length = b"\xff" + struct.pack(">Q", size)
        self._socket.sendall(b"\x81" + length + mask + bytes(byte ^ mask[n % 4] for n, byte in enumerate(data)))

    def _receive(self) -> str:
        whole = b""
        while True:
            first, size = self._file.read(2)
            size &= 0x7F
            if size > 125:
                size = struct.unpack(">H" if size == 126 else ">Q", self._file.read(2 if size == 126 else 8))[0]
            whole += self._file.read(size)
            if first & 0x80:
                return whole.decode()
