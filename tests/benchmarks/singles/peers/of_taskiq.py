"""taskiq: an async task on the stream broker, which acknowledges, with one HTTP session for the worker's life."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Annotated

import aiohttp
from taskiq import Context, TaskiqDepends, TaskiqEvents, TaskiqState
from taskiq_redis import RedisStreamBroker

from tests.benchmarks.singles.peers.posting import GATEWAY, REDIS_URL, form

broker = RedisStreamBroker(url=REDIS_URL)


@broker.on_event(TaskiqEvents.WORKER_STARTUP)
async def open_session(state: TaskiqState) -> None:
    timeout, connector = aiohttp.ClientTimeout(total=30), aiohttp.TCPConnector(limit=0)
    state.session = aiohttp.ClientSession(timeout=timeout, connector=connector)


@broker.on_event(TaskiqEvents.WORKER_SHUTDOWN)
async def close_session(state: TaskiqState) -> None:
    await state.session.close()


@broker.task(task_name="send")
async def send(phone: str, text: str, context: Annotated[Context, TaskiqDepends()]) -> None:
    async with context.state.session.post(GATEWAY, data=form(phone, text)) as answer:
        answer.raise_for_status()


def produce(messages: Iterable[tuple[str, str]]) -> None:
    """Enqueue one after the other."""
    asyncio.run(_produce(messages))


async def _produce(messages: Iterable[tuple[str, str]]) -> None:
    await broker.startup()
    for phone, text in messages:
        await send.kiq(phone, text)
    await broker.shutdown()
