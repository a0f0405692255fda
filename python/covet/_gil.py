"""Whether threads of one process can work at the same time: only where Python's global interpreter lock (GIL) is off.

The supervisor imports this: it costs nothing. Knows nothing of who starts threads.
"""

import sys

from covet._setting import UsageError


def check_threads(threads: int) -> None:
    """Nothing, where so many event loops can run in one process. Else: UsageError."""
    if threads > 1 and (reason := gil_is_on()):
        raise UsageError(f"--threads {threads} needs free-threaded Python without its GIL: {reason}; use --workers")


def gil_is_on() -> str:
    """Why threads take turns here; "" where they do not."""
    version = ".".join(map(str, sys.version_info[:3]))
    if "t" not in getattr(sys, "abiflags", ""):
        return f"this is Python {version}, whose threads take turns"
    if sys._is_gil_enabled():  # type: ignore[attr-defined, unused-ignore]  # free-threaded Python has it
        return "the GIL is on, by PYTHON_GIL=1, by -X gil=1, or for a module that was imported and asks for it"
    return ""
