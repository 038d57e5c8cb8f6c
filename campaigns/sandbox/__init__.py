"""A local gateway with the same eleven methods and their documented quirks, for development and tests.

It sends no message to anyone. `server.Sandbox` runs it in a thread of this process, `campaigns sandbox` in a process
of its own; both need the extra `sandbox`. `SandboxClient` controls either and needs no extra.
"""

from __future__ import annotations

from campaigns.sandbox.client import SandboxClient

__all__ = ["SandboxClient"]
