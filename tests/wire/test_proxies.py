"""Who asked, behind proxies: what `request.client`, `request.url` and the access log say of it."""

from pathlib import Path

import pytest

from tests.wire.connection import Connection, request
from tests.wire.server_process import running

TOLD = (
    ("X-Forwarded-For", "6.6.6.6, 192.0.2.1, 198.51.100.1"),
    ("X-Forwarded-Proto", "https"),
    ("X-Forwarded-Host", "shop.example"),
)
RFC_7239 = (("Forwarded", 'for="[2001:db8::1]:4711";proto=https;host="shop.example:444"'),)
TRUSTING = ("--trusted-proxies", "127.0.0.1,198.51.100.0/24")


@pytest.mark.parametrize(
    ("flags", "fields", "client", "url", "logged"),
    [
        ((), TOLD, ["127.0.0.1", None], "http://localhost/request", "127.0.0.1:"),
        (("--trusted-proxies", "10.0.0.0/8"), TOLD, ["127.0.0.1", None], "http://localhost/request", "127.0.0.1:"),
        (TRUSTING, TOLD, ["192.0.2.1", 0], "https://shop.example/request", "192.0.2.1 "),
        (TRUSTING, RFC_7239, ["2001:db8::1", 4711], "https://shop.example:444/request", "[2001:db8::1]:4711 "),
        (
            (*TRUSTING, "--forwarded-fields", "forwarded"),
            TOLD,
            ["127.0.0.1", None],
            "http://localhost/request",
            "127.0.0.1:",
        ),
    ],
)
def test_only_a_trusted_peer_is_believed(
    tmp_path: Path,
    flags: tuple[str, ...],
    fields: tuple[tuple[str, str], ...],
    client: list[object],
    url: str,
    logged: str,
) -> None:
    file = tmp_path / "log"
    app = "tests.wire.log_app:main"
    with file.open("wb") as out, running(app, "--access-log", *flags, stdout=out.fileno()) as server:
        with Connection(server.port) as connection:
            port = connection.socket.getsockname()[1]
            said = connection.ask("GET", "/request", fields).json()
        server.stop()
    expected = [client[0], port if client[1] is None else client[1]]
    assert said == {"client": expected, "url": url}
    assert f"] {logged}" in file.read_text()


V2 = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\x00\x0c\xc0\x00\x02\x01\x0a\x00\x00\x01\x12\x34\x00\x50"


@pytest.mark.parametrize("header", [b"PROXY TCP4 192.0.2.1 10.0.0.1 4660 80\r\n", V2])
def test_a_proxy_without_http_says_who_connected(header: bytes) -> None:
    with running("tests.wire.log_app:main", "--workers", "0", "--proxy-protocol") as server:
        with Connection(server.port) as connection:
            connection.send(header)
            for _ in range(2):
                assert connection.ask("GET", "/request").json()["client"] == ["192.0.2.1", 4660]
        with Connection(server.port) as connection:
            connection.send(request("GET", "/request"))
            assert connection.rest() == b""
