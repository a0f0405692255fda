"""The limit of open descriptors: raised at start, and 90% of it bounds the connections."""

import subprocess
import sys

import pytest

from covet._descriptors import connections_within


@pytest.mark.parametrize(
    ("limit", "wanted", "fitting"),
    [(None, 16384, 16384), (1000, 16384, 900), (1000, 900, 900), (1000, 899, 899), (1, 5, 1)],
)
def test_connections_fit(limit: int | None, wanted: int, fitting: int) -> None:
    assert connections_within(limit, wanted) == fitting


def test_the_soft_limit_becomes_the_hard_one() -> None:
    program = """
import resource
hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (64, min(hard, 512)))
from covet._descriptors import raise_limit
print(raise_limit(), *resource.getrlimit(resource.RLIMIT_NOFILE))
"""
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == ["512", "512", "512"]
