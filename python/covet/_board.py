"""The memory file in which the processes of one server tell each other what they do, from the supervisor's side.

Slots of 64 bytes: the first is the supervisor's, each other one that of a worker's thread for its life
(`crates/covet-py`'s `slots`); those of one worker are neighbours, and it is called by its first.
Knows numbers; nothing of processes.
"""

import os

SLOT_BYTES = 64
"""One cache line."""
_WORD = 8
_BEATS, _REQUESTS = 1, 2


class Board:
    """A memory file with places for `workers` of `threads` at once.

    Where the system has none (no Linux), nothing is told.
    """

    def __init__(self, workers: int, threads: int = 1) -> None:
        self.threads = threads
        self.slots = workers * threads + 1
        self.fd = -1
        if hasattr(os, "memfd_create"):
            self.fd = os.memfd_create("covet-board")
            os.ftruncate(self.fd, self.slots * SLOT_BYTES)
        self._free = list(range(1, self.slots, threads))[::-1]

    @property
    def has_room(self) -> bool:
        """Whether another worker has a place."""
        return bool(self._free)

    def take(self) -> int:
        """A worker's first slot, with nothing in it."""
        return self._free.pop()

    def give_back(self, slot: int) -> None:
        """The worker of this slot has ended: what it said no longer counts."""
        if self.fd >= 0:
            os.pwrite(self.fd, bytes(SLOT_BYTES * self.threads), slot * SLOT_BYTES)
        self._free.append(slot)

    def beats(self, slot: int) -> tuple[int, ...]:
        """How often the loop of each thread of this worker said that it runs."""
        return self._read(slot, _BEATS)

    def requests(self, slot: int) -> int:
        """How many requests this worker has answered, at its last beats."""
        return sum(self._read(slot, _REQUESTS))

    def announce_stop(self) -> None:
        """Tell every worker that the server is going to stop."""
        if self.fd >= 0:
            os.pwrite(self.fd, (1).to_bytes(_WORD, "little"), 0)

    def _read(self, slot: int, word: int) -> tuple[int, ...]:
        """A word of each thread of a worker."""
        if self.fd < 0:
            return (0,) * self.threads
        places = (each * SLOT_BYTES + word * _WORD for each in range(slot, slot + self.threads))
        return tuple(int.from_bytes(os.pread(self.fd, _WORD, place), "little") for place in places)
