"""`python -m fuzz.typed CORPUS... -max_total_time=60`: atheris over `check`. Started by scripts/fuzz_typed.sh."""

import importlib
import sys
from typing import Any

from fuzz.typed.check import check

atheris: Any = importlib.import_module("atheris")
atheris.Setup(sys.argv, check)
atheris.Fuzz()
