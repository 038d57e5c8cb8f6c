"""The recipes of three frameworks: an order is shipped, and its message followed. No mistake ends in a 500."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import django
import httpx
import pytest
from django.conf import settings as django_settings
from django.test import Client

from campaigns.testing import Here, running
from campaigns.wiring import default_services_are
from tests.support.recipes import Run, nowhere, sent

PATH = "/orders/17/shipped"
SENT = ("375291111111", "Order 17 is on its way")


def check(here: Here, post: Callable[[str], tuple[int, Any]], get: Callable[[str], tuple[int, Any]]) -> None:
    code, answer = post("+375 29 111-11-11")
    assert (code, post("+375 29 111-11-11")) == (202, (202, answer))
    assert post("nobody") == (400, {"errors": ["phone: is not a mobile phone number"]})
    here.finish()
    code, status = get(f"/campaigns/{answer['campaign']}")
    assert (code, status["statuses"]) == (200, {"READ": 1})
    assert get("/campaigns/none")[0] == 404
    code, conflict = post("+375 29 222-22-22")
    assert (code, conflict["campaign"], len(conflict["errors"])) == (409, answer["campaign"], 1)
    assert sent(here) == [SENT]
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("CAMPAIGNS_REDIS_URL", nowhere())
        with default_services_are(None):
            assert post("+375 29 111-11-11") == (503, {"errors": ["try again"]})
            assert get(f"/campaigns/{answer['campaign']}") == (503, {"errors": ["try again"]})


def test_django(run_recipe: Run) -> None:
    django_settings.configure(ROOT_URLCONF="recipe", ALLOWED_HOSTS=["testserver"])
    django.setup(set_prefix=False)
    with running() as here:
        run_recipe("Django")
        client = Client()

        def post(phone: str) -> tuple[int, Any]:
            answer = client.post(PATH, {"phone": phone})
            return answer.status_code, answer.json()

        def get(path: str) -> tuple[int, Any]:
            answer = client.get(path)
            return answer.status_code, answer.json()

        check(here, post, get)


def test_flask(run_recipe: Run) -> None:
    with running() as here:
        client = run_recipe("Flask").app.test_client()

        def post(phone: str) -> tuple[int, Any]:
            answer = client.post(PATH, data={"phone": phone})
            return answer.status_code, answer.json

        def get(path: str) -> tuple[int, Any]:
            answer = client.get(path)
            return answer.status_code, answer.json

        check(here, post, get)


def test_fastapi(run_recipe: Run) -> None:
    with running() as here:
        app = run_recipe("FastAPI").app

        async def ask(method: str, path: str, document: Any = None) -> httpx.Response:
            transport = httpx.ASGITransport(app)
            async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as client:
                return await client.request(method, path, json=document)

        def post(phone: str) -> tuple[int, Any]:
            answer = asyncio.run(ask("POST", PATH, {"phone": phone}))
            return answer.status_code, answer.json()

        def get(path: str) -> tuple[int, Any]:
            answer = asyncio.run(ask("GET", path))
            return answer.status_code, answer.json()

        check(here, post, get)
