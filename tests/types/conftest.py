"""Makes requests without a connection."""

from collections.abc import Callable

import pytest

from covet._native import Request

MakeRequest = Callable[..., Request]


@pytest.fixture
def make() -> MakeRequest:
    """A request of a target and fields; GET with a Host unless told."""

    def make_request(
        target: str = "/",
        headers: list[tuple[str, str]] | None = None,
        method: str = "GET",
        client: tuple[str, int] | None = None,
        secure: bool = False,
        app: object = None,
    ) -> Request:
        fields = [("Host", "example.com")] if headers is None else headers
        return Request._make(method, target, fields, client, secure=secure, app=app)

    return make_request
