"""`covet check`: load an application and compile its routes, so that a mistake shows before it is deployed."""

from covet._messages import say
from covet._serving import Serving
from covet.cli.inspecting import ConfigurationError, Inspected, LoadError


def check(words: list[str]) -> int:
    """Say what is wrong, or how much is right; the exit code."""
    try:
        found = Inspected(words)
        Serving(found.app, found.settings).close()
    except (LoadError, ConfigurationError) as error:
        say(str(error))
        return 1
    count = len(found.routes)
    print(f"{found.app.title} {found.app.version}: {count} route{'' if count == 1 else 's'}, no mistakes found")
    return 0
