"""What this process knows of the server that holds the store, and by which a server that lost something is told."""

from __future__ import annotations

from collections.abc import Sequence

from campaigns.store.client import ScriptCall, Store


class Witness:
    """The last change of server and the last claim that this process was told of. It tells them with every look.

    A claim that was not replicated as far as it must be was undone, so it is not remembered.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known = (0, 0)

    def known_by_process(self) -> list[int]:
        """What scripts that look at the server are given: last change, last claim, replicas that must have a claim."""
        return [*self._known, self._store.replicas]

    def record_message_ids(self, epoch: int, claims: int) -> None:
        """Remember what the store says. After a change it counts anew."""
        if epoch != self._known[0] or claims > self._known[1]:
            self._known = (epoch, claims)

    def looking(self) -> ScriptCall:
        """The call that notices whether another server took the place of the last."""
        keys = self._store.keys
        return "check_primary", [keys.primary(), keys.workers(), keys.events()], self.known_by_process()

    def looked(self, answer: Sequence[int]) -> None:
        """Take in the answer to `looking`.

        Whoever only looks does not know what replicas have of it: where claims wait for them, the next failover may
        undo the change that was noticed, and that loses nothing.
        """
        epoch, claims, _ = answer
        if not self._store.replicas:
            self.record_message_ids(int(epoch), int(claims))
