"""Defaults that the supervisor needs before it can afford to import the settings. Sources: limits.

Knows nothing and imports nothing; `covet.settings` takes these from here.
"""

BACKLOG = 2048
"""Connections that the kernel keeps for us until a worker accepts them."""
WORKER_TIMEOUT = 30.0
"""Seconds without a beat after which a worker is replaced."""
DRAIN_TIMEOUT = 30.0
"""Seconds from the signal to stop until what still runs is aborted."""
