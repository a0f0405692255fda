"""Which interpreter the tests run on: with one lock for all threads, or without."""

import sys

import pytest

from covet._gil import gil_is_on

GIL_IS_ON = bool(gil_is_on())

without_gil = pytest.mark.skipif(GIL_IS_ON, reason="needs free-threaded Python without its GIL")
"""`scripts/free_threaded.sh` runs these."""
with_gil = pytest.mark.skipif(not GIL_IS_ON, reason="the GIL is off")

FREE_THREADED = "t" in sys.abiflags
