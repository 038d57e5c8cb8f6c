"""What this process knows of the store's server, and by which it detects that a server has lost writes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from campaigns.store.calls import Call
from campaigns.store.client import Store


class Witness:
    """The last change of server and the last claim that this process knows of. It reports them with every check.

    A claim that too few replicas have is undone, so it is not remembered.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known = (0, 0)

    def known_by_process(self) -> list[int]:
        """Arguments of the scripts that check the server: last change, last claim, replicas that must have a claim."""
        return [*self._known, self._store.replicas]

    def remember(self, epoch: int, claims: int) -> None:
        """Remember the change of server (`epoch`) and the claim that a script returned. Each change counts anew."""
        if epoch != self._known[0] or claims > self._known[1]:
            self._known = (epoch, claims)

    def check_call(self) -> Call[tuple[int, int]]:
        """The call that notices whether another server took the place of the last. Returns its epoch and claims."""
        keys = self._store.keys
        names = [keys.primary(), keys.workers(), keys.events()]
        return Call("check_primary", names, self.known_by_process(), _epoch_and_claims)

    def checked(self, epoch: int, claims: int) -> None:
        """Remember what `check_call` returned, unless claims wait for replicas.

        A check waits for none: the next failover may undo the change that it noticed, and that loses nothing.
        """
        if not self._store.replicas:
            self.remember(epoch, claims)


def _epoch_and_claims(answer: Sequence[Any]) -> tuple[int, int]:
    epoch, claims, _ = answer
    return int(epoch), int(claims)
