"""How many processors this process may use: its affinity, and the quotas of its control groups.

Sources: sched_getaffinity(2); the kernel's cgroup-v2 (`cpu.max`) and cgroup-v1 (`cpu.cfs_quota_us`) documentation.
"""

import math
import os

TYPE_CHECKING = False

if TYPE_CHECKING:
    from collections.abc import Iterator


def usable() -> list[int]:
    """The processors that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def count(root: str = "/") -> int:
    """Processors' worth of time, rounded up, at least 1. `root`: where proc and sys are."""
    shares = [quota for quota in _quotas(root) if quota > 0]
    return max(1, min([len(usable()), *(math.ceil(share) for share in shares)]))


def _quotas(root: str) -> "Iterator[float]":
    """What each control group that we are in allows."""
    for line in _read(f"{root}/proc/self/cgroup").splitlines():
        number, controllers, path = line.split(":", 2)
        if number == "0":
            for folder in _upwards(f"{root}/sys/fs/cgroup", path):
                allowed, _, period = _read(f"{folder}/cpu.max").partition(" ")
                yield from _quota(allowed, period)
        elif "cpu" in controllers.split(","):
            for folder in _upwards(f"{root}/sys/fs/cgroup/cpu", path):
                allowed, period = (_read(f"{folder}/cpu.cfs_{word}_us") for word in ("quota", "period"))
                yield from _quota(allowed, period)


def _upwards(top: str, path: str) -> "Iterator[str]":
    """The folder of a group, of those around it, and `top`, which is our own inside a container."""
    parts = [part for part in path.split("/") if part not in ("", "..")]
    for length in range(len(parts), -1, -1):
        yield "/".join([top, *parts[:length]])


def _quota(allowed: str, period: str) -> "Iterator[float]":
    """None for `max` and for -1."""
    if allowed.strip().isdecimal() and period.strip().isdecimal() and int(period) > 0:
        yield int(allowed) / int(period)


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except OSError:
        return ""
