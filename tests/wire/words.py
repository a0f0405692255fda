"""A text for tests of compression."""

import random

_random = random.Random(1)
WORDS = " ".join(str(_random.randrange(100_000)) for _ in range(500_000))
"""Some 2.9 MB that compress to about half."""
