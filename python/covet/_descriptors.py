"""The process's limit of open descriptors: raised at start, and what it leaves for connections.

Knows nothing of servers. Source: getrlimit(2), RLIMIT_NOFILE.
"""

import resource
import sys

_SHARE = 0.9


def raise_limit() -> int | None:
    """Raise the soft limit to the hard one; returns the limit that holds, None for no limit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        # macOS refuses more than its own bound even where the hard limit is "unlimited".
        wanted = 10240 if hard == resource.RLIM_INFINITY and sys.platform == "darwin" else hard
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
            soft = wanted
        except (ValueError, OSError):  # a sandbox may forbid it: the soft limit holds
            pass
    return None if soft == resource.RLIM_INFINITY else soft


def connections_within(limit: int | None, wanted: int, servers: int = 1) -> int:
    """`wanted` connections, or where that is less 90% of the descriptors, which so many servers share."""
    return wanted if limit is None else max(1, min(wanted, int(limit * _SHARE) // servers))
