"""How the server speaks to whoever watches it: lines on standard error."""

import sys


def say(text: str, details: str = "") -> None:
    """One message; `details` are whole lines that belong to it."""
    pass_on(f"covet: {text}\n{details}")


def pass_on(text: str) -> None:
    """What somebody else said, as it is."""
    try:
        sys.stderr.write(text)
        sys.stderr.flush()
    except OSError:
        pass  # nobody watches
