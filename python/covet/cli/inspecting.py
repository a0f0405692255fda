"""An application for commands that look at it and serve nothing."""

from covet._compile import compile_files, compile_routes
from covet.errors import ConfigurationError
from covet.launch import parse
from covet.loading import LoadError, load_app
from covet.settings import ServerSettings


class Inspected:
    """An application and its compiled routes. Not loadable: LoadError or ConfigurationError."""

    def __init__(self, words: list[str]) -> None:
        launch = parse(words)
        self.app = load_app(launch.app, launch.app_dir, factory=launch.factory)
        self.settings = ServerSettings(**launch.settings)
        self.routes = list(compile_routes(self.app, self.settings))
        self.files = list(compile_files(self.app))


__all__ = ["ConfigurationError", "Inspected", "LoadError"]
