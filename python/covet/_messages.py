"""How the server speaks to whoever watches it: lines on standard error."""

import sys


def say(text: str, details: str = "") -> None:
    """One message; `details` are whole lines that belong to it."""
    try:
        sys.stderr.write(f"covet: {text}\n{details}")
        sys.stderr.flush()
    except OSError:
        pass  # nobody watches
