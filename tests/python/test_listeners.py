"""Listening sockets: every address, ports in use, stale socket files."""

import os
import socket
import stat
from pathlib import Path

import pytest

from covet.listeners import adopt, listen, listen_unix, remove_unix, url_of


def test_free_port_and_its_url() -> None:
    (listener,) = listen(["127.0.0.1"], 0, 16)
    with listener:
        host, port = listener.getsockname()
        assert host == "127.0.0.1"
        assert url_of(listener) == f"http://127.0.0.1:{port}"
        assert not listener.getblocking()
        socket.create_connection((host, port), 5).close()


def test_port_in_use() -> None:
    (first,) = listen(["127.0.0.1"], 0, 16)
    with first:
        port = first.getsockname()[1]
        with pytest.raises(OSError, match=rf"cannot listen on 127\.0\.0\.1:{port}: port in use$"):
            listen(["127.0.0.1"], port, 16)


def test_port_is_free_again_after_close() -> None:
    (first,) = listen(["127.0.0.1"], 0, 16)
    port = first.getsockname()[1]
    with socket.create_connection(("127.0.0.1", port), 5):
        first.accept()[0].close()  # leaves a connection in TIME_WAIT
    first.close()
    (second,) = listen(["127.0.0.1"], port, 16)
    second.close()


def test_two_families_share_one_port() -> None:
    listeners = listen(["127.0.0.1", "::1"], 0, 16)
    try:
        assert [listener.family for listener in listeners] == [socket.AF_INET, socket.AF_INET6]
        assert len({listener.getsockname()[1] for listener in listeners}) == 1
        assert listeners[1].getsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY) == 1
        assert url_of(listeners[1]).startswith("http://[::1]:")
    finally:
        for listener in listeners:
            listener.close()


def test_ipv6_alone_takes_both() -> None:
    (listener,) = listen(["::"], 0, 16)
    with listener:
        socket.create_connection(("127.0.0.1", listener.getsockname()[1]), 5).close()


def test_one_address_named_twice_is_one_socket() -> None:
    listeners = listen(["127.0.0.1", "127.0.0.1"], 0, 16)
    assert len(listeners) == 1
    listeners[0].close()


def test_a_failure_leaves_nothing_open() -> None:
    (taken,) = listen(["127.0.0.2"], 0, 16)
    with taken:
        port = taken.getsockname()[1]
        with pytest.raises(OSError, match="port in use"):
            listen(["127.0.0.1", "127.0.0.2"], port, 16)
        (free,) = listen(["127.0.0.1"], port, 16)
        free.close()


def test_unknown_host() -> None:
    with pytest.raises(OSError, match=r"cannot listen on host 'no such host': "):
        listen(["no such host"], 0, 16)


def test_unix_socket(tmp_path: Path) -> None:
    path = str(tmp_path / "app.sock")
    listener = listen_unix(path, 16, 0o600)
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    assert url_of(listener) == f"unix:{path}"
    with pytest.raises(OSError, match=r"unix:.*: socket in use$"):
        listen_unix(path, 16)
    remove_unix(listener)
    listener.close()
    assert not os.path.exists(path)


def test_stale_unix_socket_is_replaced(tmp_path: Path) -> None:
    path = str(tmp_path / "app.sock")
    listen_unix(path, 16).close()
    listener = listen_unix(path, 16)
    with listener, socket.socket(socket.AF_UNIX) as client:
        client.connect(path)


def test_a_file_is_never_replaced(tmp_path: Path) -> None:
    path = tmp_path / "app.sock"
    path.write_text("precious")
    with pytest.raises(OSError, match="a file that is no socket is there"):
        listen_unix(str(path), 16)
    assert path.read_text() == "precious"


def test_adopt_takes_a_duplicate() -> None:
    (listener,) = listen(["127.0.0.1"], 0, 16)
    with listener, adopt(listener.fileno()) as twin:
        assert twin.fileno() != listener.fileno()
        assert twin.getsockname() == listener.getsockname()


def test_adopt_refuses_others() -> None:
    with socket.socket() as plain, pytest.raises(OSError, match="it is no listening socket"):
        adopt(plain.fileno())
    with open(os.devnull, "rb") as file, pytest.raises(OSError, match="cannot listen on descriptor"):
        adopt(file.fileno())


@pytest.mark.parametrize("path", ["x" * 200, "@" + "x" * 200])
def test_a_name_that_is_too_long_for_a_unix_socket(path: str) -> None:
    with pytest.raises(OSError, match=r"cannot listen on unix:@?x+: AF_UNIX path too long$"):
        listen_unix(path, 16)


def test_a_host_that_no_name_can_be() -> None:
    with pytest.raises(OSError, match=r"cannot listen on host 'x+': "):
        listen(["x" * 70], 0, 16)
