"""What the supervisor holds its workers to: how many, how long, how much.

Numbers only. Read from settings that were given; the defaults cost no import of the settings.
"""

from covet._defaults import DRAIN_TIMEOUT, WORKER_TIMEOUT

TYPE_CHECKING = False

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

LONGEST_BEAT = 1.0
"""Seconds between two beats of a worker, at most; an idle one wakes up for nothing else."""


class Policy:
    """Of one server. `settings` are those that were given."""

    __slots__ = (
        "drain_delay",
        "drain_timeout",
        "max_age",
        "max_requests",
        "max_rss",
        "pin",
        "threads",
        "worker_timeout",
        "workers",
    )

    def __init__(self, workers: int, settings: "Mapping[str, Any]", threads: int = 1) -> None:
        self.workers = workers
        self.threads = threads
        """Of each worker."""
        self.pin: bool = settings.get("pin_workers", False)
        self.drain_delay: float = settings.get("drain_delay") or 0.0
        self.drain_timeout: float = settings.get("drain_timeout", DRAIN_TIMEOUT)
        self.worker_timeout: float | None = settings.get("worker_timeout", WORKER_TIMEOUT)
        self.max_requests: int | None = settings.get("max_requests")
        self.max_rss: int | None = settings.get("max_rss")
        self.max_age: float | None = settings.get("max_age")

    @property
    def beat(self) -> float:
        """Seconds between two beats of a worker, and between two looks at them."""
        return LONGEST_BEAT if self.worker_timeout is None else min(LONGEST_BEAT, self.worker_timeout / 4)

    @property
    def watches(self) -> bool:
        """Whether there is anything to look at."""
        return (self.worker_timeout or self.max_requests or self.max_rss or self.max_age) is not None
