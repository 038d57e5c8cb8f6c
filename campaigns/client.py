"""The client: what an application calls, bound to one set of settings."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable
from functools import wraps
from typing import Concatenate, Final, ParamSpec, Protocol, TypeVar

from campaigns import optouts
from campaigns.budgets import daily_budget, lower_budget, raise_budget
from campaigns.campaign import Campaign, list_campaigns
from campaigns.enqueue import enqueue
from campaigns.enqueue_many import enqueue_many
from campaigns.person import erase, find_message, find_person
from campaigns.preview import preview
from campaigns.send_test import send_test
from campaigns.services import Services
from campaigns.settings import Settings
from campaigns.wiring import build_services, default_services


class _Connected(Protocol):
    @property
    def _services(self) -> Services: ...


P = ParamSpec("P")
T = TypeVar("T")


def _method(door: Callable[Concatenate[Services, P], T]) -> Callable[Concatenate[_Connected, P], T]:
    """Make a method of a function whose first argument is the services."""

    @wraps(door)
    def method(self: _Connected, /, *args: P.args, **named: P.kwargs) -> T:
        return door(self._services, *args, **named)

    signature = inspect.signature(door)
    services, *others = signature.parameters.values()
    own = services.replace(name="self", annotation=inspect.Parameter.empty)
    method.__signature__ = signature.replace(parameters=[own, *others])  # type: ignore[attr-defined]
    return method


class OptOutList:
    """The phones that must not be messaged.

    Every method raises StoreError, and ValueError for a text that is not a phone, an account or a topic; nothing is
    changed then. See `campaigns.optouts` for what opt-outs are of, and how they act.
    """

    def __init__(self, client: Client) -> None:
        self._client = client

    @property
    def _services(self) -> Services:
        return self._client._services  # noqa: SLF001 (the list is a part of its client)

    add = _method(optouts.add)
    remove = _method(optouts.remove)
    get = _method(optouts.get)
    all_of = _method(optouts.all_of)
    every = _method(optouts.every)
    details = _method(optouts.details)
    sizes = _method(optouts.sizes)


class Client:
    """Enqueues jobs, and reads and controls campaigns, with `settings` or else those of the environment.

    A client connects to Redis at its first call, and again in every process that a fork makes. Threads may share it.
    The functions of `campaigns` are the methods of a client without settings, so an application needs a client of its
    own only to work with several stores. The first call raises SettingsError if the environment's settings are wrong.
    """

    def __init__(self, settings: Settings | None = None) -> None:
        self._settings = settings
        self._of_process: tuple[int, Services] | None = None

    @classmethod
    def over(cls, services: Services) -> Client:
        """Make a client that uses `services` instead of building its own."""
        client = cls(services.settings)
        client._of_process = os.getpid(), services
        return client

    @property
    def _services(self) -> Services:
        if self._settings is None:
            return default_services()
        if self._of_process is None or self._of_process[0] != os.getpid():
            self._of_process = os.getpid(), build_services(self._settings)
        return self._of_process[1]

    @property
    def optouts(self) -> OptOutList:
        """The phones that must not be messaged."""
        return OptOutList(self)

    def campaign(self, campaign_id: str) -> Campaign:
        """The handle of a campaign. Its methods read the store; making the handle does not."""
        return Campaign.of(self._services, campaign_id)

    enqueue = _method(enqueue)
    enqueue_many = _method(enqueue_many)
    preview = _method(preview)
    send_test = _method(send_test)
    list_campaigns = _method(list_campaigns)
    find_person = _method(find_person)
    find_message = _method(find_message)
    erase = _method(erase)
    daily_budget = _method(daily_budget)
    raise_budget = _method(raise_budget)
    lower_budget = _method(lower_budget)


#: The client whose methods are the functions of `campaigns`.
default_client: Final = Client()
