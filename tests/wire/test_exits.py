"""SystemExit and KeyboardInterrupt in a handler end the program, wherever the handler runs."""

import pytest

from tests.wire.connection import Connection, request
from tests.wire.server_process import running


@pytest.mark.parametrize(
    "target",
    ["/step", "/task", "/inline", "/pool", "/pool/keyword?code=7", "/stream", "/pool/stream", "/pool/encoding"],
)
def test_a_handler_that_exits_ends_the_server_with_its_code(target: str) -> None:
    with running("tests.wire.exit_app:main", "--workers", "0") as server:
        with Connection(server.port) as connection:
            connection.send(request("GET", target))
            code = server.end()
        assert (code, "panicked" in server.log, "pool gave no answer" in server.log) == (7, False, False), server.log
