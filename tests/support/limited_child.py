"""A process that asks an account for as many requests as the limiter lets it make.

`python -m tests.support.limited_child SECONDS REDIS_URL GATEWAY_URL PREFIX REQUESTS CONCURRENCY`. Two threads, one
of paid requests and one of polls.
"""

from __future__ import annotations

import sys
import threading
import time

from campaigns.accounts.limiter import Permit
from campaigns.errors import GatewayError
from campaigns.settings import Rate
from campaigns.wiring import build_services
from tests.support.settings import fast_settings


def main() -> None:
    seconds, redis_url, gateway_url, prefix, requests, concurrency = sys.argv[1:]
    settings = fast_settings(
        redis_url, gateway_url, prefix, rate_limit=Rate(int(requests), 1.0), concurrency=int(concurrency)
    )
    services = build_services(settings, ring=lambda *_: True)
    gateway = services.gateway("default")
    until = time.monotonic() + float(seconds)

    def pay() -> None:
        while time.monotonic() < until:
            permit = services.limiter.acquire("default", patience_s=0.5)
            if isinstance(permit, Permit):
                try:
                    gateway.send_quick_viber_message(
                        {"vibername_id": "7", "phone": "375291000001", "message": "m"}, image=None
                    )
                except GatewayError:
                    pass
                finally:
                    services.limiter.release(permit, used=True)

    def follow() -> None:
        while time.monotonic() < until:
            try:
                gateway.get_viber_messages(offset=0, rows=1)
            except GatewayError:
                time.sleep(0.01)

    threads = [threading.Thread(target=act) for act in (pay, follow)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    main()
