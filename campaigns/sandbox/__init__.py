"""A local gateway with the same eleven methods and the contract's own quirks, for development and tests.

Nothing is sent anywhere. `Sandbox` runs it in this process, `campaigns sandbox` as one of its own; it
needs the extra `sandbox`. `SandboxClient` controls either and needs nothing.
"""

from __future__ import annotations

from campaigns.sandbox.client import SandboxClient

__all__ = ["SandboxClient"]
