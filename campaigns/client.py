"""The client: what an application does with campaigns, on the store that its settings name."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import wraps
from typing import Concatenate, Final, ParamSpec, Protocol, TypeVar

from campaigns import optouts
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
    """A function whose first argument is the services, as a method of what holds them."""

    @wraps(door)
    def method(self: _Connected, /, *args: P.args, **named: P.kwargs) -> T:
        return door(self._services, *args, **named)

    return method


class OptOutList:
    """The phones that must not be messaged. Every method is described in `campaigns.optouts`."""

    def __init__(self, client: Client) -> None:
        self._client = client

    @property
    def _services(self) -> Services:
        return self._client._services  # noqa: SLF001 (the list is a part of its client)

    add = _method(optouts.add)
    remove = _method(optouts.remove)
    get = _method(optouts.get)
    every = _method(optouts.every)
    details = _method(optouts.details)


class Client:
    """Enqueues jobs and answers questions, with `settings`; without them, with those of the environment.

    Connects when it is first used, and again in every process that a fork makes; threads may share it. The functions
    of `campaigns` are the methods of a client without settings, so an application needs one of its own only if it
    works with several stores. Raises SettingsError when it is first used.
    """

    def __init__(self, settings: Settings | None = None) -> None:
        self._settings = settings
        self._of_process: tuple[int, Services] | None = None

    @classmethod
    def over(cls, services: Services) -> Client:
        """A client of services that are built already."""
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
        """The handle of a campaign. Asks the store only when it is used."""
        return Campaign.of(self._services, campaign_id)

    enqueue = _method(enqueue)
    enqueue_many = _method(enqueue_many)
    preview = _method(preview)
    send_test = _method(send_test)
    list_campaigns = _method(list_campaigns)
    find_person = _method(find_person)
    find_message = _method(find_message)
    erase = _method(erase)


#: Whose methods the functions of `campaigns` are.
default_client: Final = Client()
