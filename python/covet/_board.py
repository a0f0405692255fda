"""The memory file in which the processes of one server tell each other what they do, from the supervisor's side.

Slots of 64 bytes: the first is the supervisor's, each other one a worker's for its life (`crates/covet-py`'s `slots`).
Knows numbers; nothing of processes.
"""

import os

SLOT_BYTES = 64
"""One cache line."""
_WORD = 8
_BEATS, _REQUESTS = 1, 2


class Board:
    """A memory file with places for `workers` at once. Where the system has none (no Linux), nothing is told."""

    def __init__(self, workers: int) -> None:
        self.slots = workers + 1
        self.fd = -1
        if hasattr(os, "memfd_create"):
            self.fd = os.memfd_create("covet-board")
            os.ftruncate(self.fd, self.slots * SLOT_BYTES)
        self._free = list(range(self.slots - 1, 0, -1))

    @property
    def has_room(self) -> bool:
        """Whether another worker has a place."""
        return bool(self._free)

    def take(self) -> int:
        """A slot with nothing in it."""
        return self._free.pop()

    def give_back(self, slot: int) -> None:
        """The worker of this slot has ended: what it said no longer counts."""
        if self.fd >= 0:
            os.pwrite(self.fd, bytes(SLOT_BYTES), slot * SLOT_BYTES)
        self._free.append(slot)

    def beats(self, slot: int) -> int:
        """How often the loop of this worker said that it runs."""
        return self._read(slot, _BEATS)

    def requests(self, slot: int) -> int:
        """How many requests this worker has answered, at its last beat."""
        return self._read(slot, _REQUESTS)

    def announce_stop(self) -> None:
        """Tell every worker that the server is going to stop."""
        if self.fd >= 0:
            os.pwrite(self.fd, (1).to_bytes(_WORD, "little"), 0)

    def _read(self, slot: int, word: int) -> int:
        if self.fd < 0:
            return 0
        return int.from_bytes(os.pread(self.fd, _WORD, slot * SLOT_BYTES + word * _WORD), "little")
