"""`Request`: lazy getters, kept once made; `URL`, cookies, client and state."""

import gc
import threading
import weakref
from collections.abc import Callable

import pytest

from covet._native import Address, Request, State

MakeRequest = Callable[..., Request]


@pytest.mark.parametrize(
    "method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "QUERY", "TRACE", "get", "PROPFIND"]
)
def test_method_is_as_sent(make: MakeRequest, method: str) -> None:
    assert make(method=method).method == method


def test_known_methods_share_one_str(make: MakeRequest) -> None:
    first, second = make(), make()
    assert first.method is second.method


def test_target(make: MakeRequest) -> None:
    request = make("/a%20b/%C3%A9?q=%20+&r")
    assert request.raw_path == b"/a%20b/%C3%A9"
    assert request.path == request.url.path == "/a b/\u00e9"
    assert request.query == request.url.query == "q=%20+&r"
    assert request.http_version == "1.1"
    assert repr(request) == "<Request GET /a%20b/%C3%A9>"


@pytest.mark.parametrize(
    ("host", "hostname", "port"),
    [
        ("example.com", "example.com", None),
        ("EXAMPLE.com:8000", "example.com", 8000),
        ("127.0.0.1:80", "127.0.0.1", 80),
        ("[::1]", "::1", None),
        ("[::1]:443", "::1", 443),
        ("example.com:", "example.com", None),
        ("", "localhost", None),
        (None, "localhost", None),
    ],
)
def test_url_host(make: MakeRequest, host: str | None, hostname: str, port: int | None) -> None:
    url = make("/", [] if host is None else [("Host", host)]).url
    assert (url.hostname, url.port) == (hostname, port)


@pytest.mark.parametrize(
    ("target", "secure", "text"),
    [
        ("/", False, "http://example.com/"),
        ("/a%20b?x=1&y", True, "https://example.com/a%20b?x=1&y"),
        ("/?", False, "http://example.com/?"),
        ('/<"?">', False, "http://example.com/%3C%22?%22%3E"),
        ("*", False, "http://example.com"),
    ],
)
def test_url_text(make: MakeRequest, target: str, secure: bool, text: str) -> None:
    url = make(target, secure=secure).url
    assert str(url) == text
    assert repr(url) == f"URL('{text}')"
    assert url.scheme == ("https" if secure else "http")
    assert url == make(target, secure=secure).url
    assert url != make("/other").url
    assert url != text


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ([], {}),
        (["a=1; b=2"], {"a": "1", "b": "2"}),
        (["a=1; a=2"], {"a": "2"}),
        (["a=1", "b=2"], {"a": "1", "b": "2"}),
        (['a="q \\"x\\" \\054"'], {"a": 'q "x" ,'}),
        (["a=b=c; alone; =x"], {"a": "b=c", "": "x"}),
        (["a=\u00e9"], {"a": "\u00e9"}),
        (["\u00a0__Host-a=1"], {"\u00a0__Host-a": "1"}),
    ],
)
def test_cookies(make: MakeRequest, fields: list[str], expected: dict[str, str]) -> None:
    request = make(headers=[("Cookie", field) for field in fields])
    assert request.cookies == expected
    assert request.cookies is request.cookies


@pytest.mark.parametrize(
    ("host", "shown"),
    [("127.0.0.1", "127.0.0.1"), ("::1", "::1"), ("::ffff:192.0.2.7", "192.0.2.7")],
)
def test_client(make: MakeRequest, host: str, shown: str) -> None:
    client = make(client=(host, 4000)).client
    assert client == Address(shown, 4000)
    assert (client.host, client.port) == (shown, 4000)


def test_no_client(make: MakeRequest) -> None:
    assert make().client is None


def test_address_is_a_named_tuple() -> None:
    assert issubclass(Address, tuple)
    assert Address._fields == ("host", "port")
    assert Address.__module__ == "covet.requests"


def test_getters_keep_what_they_made(make: MakeRequest) -> None:
    request = make("/?a=1", client=("127.0.0.1", 1))
    for name in ("url", "headers", "query_params", "path_params", "cookies", "client", "state"):
        assert getattr(request, name) is getattr(request, name), name


def test_path_params_are_empty_at_first(make: MakeRequest) -> None:
    assert make().path_params == {}


def test_app(make: MakeRequest) -> None:
    app = object()
    assert make(app=app).app is app
    with pytest.raises(RuntimeError, match="no application serves this request"):
        make().app


@pytest.mark.parametrize("name", ["method", "state", "anything"])
def test_requests_cannot_be_written(make: MakeRequest, name: str) -> None:
    with pytest.raises(AttributeError):
        setattr(make(), name, 1)


def test_requests_are_not_made_by_users() -> None:
    with pytest.raises(TypeError):
        Request()


@pytest.mark.parametrize(
    ("method", "target", "headers", "message"),
    [
        ("", "/", [], 'method "" is not a token'),
        ("G T", "/", [], 'method "G T" is not a token'),
        ("GET", "", [], 'target "" is not a path'),
        ("GET", "http://a/", [], "is not a path"),
        ("GET", "/a b", [], "percent-encode"),
        ("GET", "/\u00e9", [], "percent-encode"),
        ("GET", "/#a", [], "percent-encode"),
        ("GET", "/", [("a b", "1")], 'header name "a b" is not a token'),
        ("GET", "/", [("", "1")], 'header name "" is not a token'),
        ("GET", "/", [("a", "1\r\nb: 2")], r'header "a" has the control character "\\r"'),
        ("GET", "/", [("a", "\0")], r'header "a" has the control character "\\x00"'),
    ],
)
def test_unsendable(method: str, target: str, headers: list[tuple[str, str]], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Request._make(method, target, headers)


def test_client_must_be_an_address() -> None:
    with pytest.raises(ValueError, match='client host "testclient" is no IP address'):
        Request._make("GET", "/", [], ("testclient", 1))


def test_state(make: MakeRequest) -> None:
    state = make().state
    assert isinstance(state, State)
    state.user = "ada"
    state.values = 3
    assert state.user == "ada"
    assert dir(state) == ["user", "values"]
    assert repr(state) == "State({'user': 'ada', 'values': 3})"
    del state.user
    assert not hasattr(state, "user")
    with pytest.raises(AttributeError, match='the state has no value "user"'):
        state.user
    with pytest.raises(AttributeError, match='the state has no value "user"'):
        del state.user
    assert make().state is not state


class Node:
    """Can be weakly referenced."""


@pytest.mark.parametrize("through", ["state", "path_params", "app"])
def test_cycles_are_collected(make: MakeRequest, through: str) -> None:
    node = Node()
    request = make(app=node)
    if through == "state":
        request.state.node = node
        request.state.request = request
    elif through == "path_params":
        request.path_params["node"] = node
        request.path_params["request"] = request
    else:
        node.request = request
    gone = weakref.ref(node)
    del node, request
    gc.collect()
    assert gone() is None


def test_many_threads_get_the_same_objects(make: MakeRequest) -> None:
    request = make("/?a=1", [("Cookie", "a=1")])
    barrier = threading.Barrier(8)
    seen: list[tuple[object, ...]] = []

    def read() -> None:
        barrier.wait()
        seen.append((request.headers, request.query_params, request.cookies, request.state, request.url))

    threads = [threading.Thread(target=read) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({tuple(map(id, objects)) for objects in seen}) == 1
