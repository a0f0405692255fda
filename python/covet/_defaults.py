"""Defaults that the supervisor needs before it can afford to import the settings. Sources: limits.

Knows nothing and imports nothing; `covet.settings` takes these two from here.
"""

BACKLOG = 2048
"""Connections that the kernel keeps for us until a worker accepts them."""
DRAIN_TIMEOUT = 30.0
"""Seconds from the signal to stop until what still runs is aborted."""
