"""`MutableHeaders`: a mapping to be changed in place that holds only what can be sent."""

from collections.abc import Iterator, Mapping, MutableMapping

import pytest

from covet._native import JSONResponse, MutableHeaders, Request, Response


@pytest.fixture
def headers() -> MutableHeaders:
    headers = Response(headers={"X-Tag": "one", "Other": "o"}).headers
    headers.append("x-tag", "two")
    return headers


def test_reading(headers: MutableHeaders) -> None:
    assert headers["X-TAG"] == headers.get("x-tag") == "one"
    assert headers.getlist("X-Tag") == ["one", "two"]
    assert headers.getlist("none") == []
    assert headers.get("none") is None
    assert headers.get("none", 3) == 3
    assert "x-Tag" in headers
    assert "none" not in headers
    assert 1 not in headers
    assert list(headers) == list(headers.keys()) == ["x-tag", "other", "x-tag"]
    assert list(headers.values()) == ["one", "o", "two"]
    assert list(headers.items()) == [("x-tag", "one"), ("other", "o"), ("x-tag", "two")]
    assert len(headers) == 3
    assert isinstance(headers, MutableMapping)
    assert repr(headers) == "MutableHeaders([('x-tag', 'one'), ('other', 'o'), ('x-tag', 'two')])"
    with pytest.raises(KeyError) as caught:
        headers["none"]
    assert caught.value.args == ("none",)


def test_setting_leaves_one(headers: MutableHeaders) -> None:
    headers["X-TAG"] = "three"
    headers["New"] = "n"
    assert list(headers.items()) == [("x-tag", "three"), ("other", "o"), ("new", "n")]


def test_deleting_takes_all(headers: MutableHeaders) -> None:
    del headers["X-TAG"]
    assert list(headers.items()) == [("other", "o")]
    with pytest.raises(KeyError):
        del headers["x-tag"]


def test_methods_of_a_mutable_mapping(headers: MutableHeaders) -> None:
    assert headers.pop("X-Tag") == "one"
    assert "x-tag" not in headers
    assert headers.pop("x-tag", None) is None
    with pytest.raises(KeyError):
        headers.pop("x-tag")
    with pytest.raises(TypeError):
        headers.pop("x-tag", 1, 2)
    assert headers.setdefault("Other", "p") == "o"
    assert headers.setdefault("New", "n") == "n"
    headers.update({"New": "m"}, more="1")
    assert list(headers.items()) == [("other", "o"), ("new", "m"), ("more", "1")]
    assert headers.popitem() == ("more", "1")
    headers.clear()
    assert list(headers.items()) == []
    with pytest.raises(KeyError):
        headers.popitem()


def test_equality() -> None:
    one = Response(headers={"A": "1", "B": "2"}).headers
    assert one == one
    assert one == Response(headers={"b": "2", "a": "1"}).headers
    assert one != Response(headers={"a": "1"}).headers
    assert one != {"a": "1", "b": "2"}


@pytest.mark.parametrize("name", ["", "a b", "a:", "a\r\n", "\u00e9", "a\0"])
def test_names(headers: MutableHeaders, name: str) -> None:
    for change in (headers.__setitem__, headers.append, headers.setdefault):
        with pytest.raises(ValueError, match="is not a token"):
            change(name, "v")


@pytest.mark.parametrize("value", ["a\r\nb: c", "a\nb", "a\rb", "a\0b", "a\x7f", "a\x1b"])
def test_values(headers: MutableHeaders, value: str) -> None:
    before = list(headers.items())
    for change in (headers.__setitem__, headers.append, headers.setdefault):
        with pytest.raises(ValueError, match='the value of header "a" has the control character'):
            change("A", value)
    with pytest.raises(ValueError, match="control character"):
        Response(headers={"a": value})
    assert list(headers.items()) == before


def test_values_are_latin_1_without_outer_blanks(headers: MutableHeaders) -> None:
    headers["a"] = " \tcaf\u00e9\tx "
    assert headers["a"] == "caf\u00e9\tx"
    with pytest.raises(ValueError, match="beyond ISO 8859-1; percent-encode it"):
        headers["a"] = "\u20ac"


@pytest.mark.parametrize("name", ["Connection", "Keep-Alive", "Proxy-Connection", "Transfer-Encoding", "Date"])
def test_fields_of_the_server(headers: MutableHeaders, name: str) -> None:
    with pytest.raises(ValueError, match=f'header "{name.lower()}" is written by the server itself; leave it out'):
        headers[name] = "x"


@pytest.mark.parametrize(
    ("content", "length"),
    [(None, "0"), ("", "0"), (b"abc", "3"), ("\u00e9", "2")],
)
def test_content_length_may_repeat_the_truth(content: bytes | str | None, length: str) -> None:
    response = Response(content, headers={"Content-Length": length})
    response.headers["content-length"] = length
    assert "content-length" not in response.headers


@pytest.mark.parametrize("length", ["2", "4", "-3", "+4", "", "x", "3, 4"])
def test_content_length_may_not_differ(length: str) -> None:
    with pytest.raises(ValueError, match=r"but the body has 3 bytes; leave the header out"):
        Response(b"abc", headers={"Content-Length": length})


def test_content_length_of_json_is_not_known() -> None:
    with pytest.raises(ValueError, match="but the body is not encoded yet"):
        JSONResponse({}, headers={"content-length": "2"})


class Odd(Mapping[str, str]):
    """A mapping that is no dict."""

    def __getitem__(self, key: str) -> str:
        return key.upper()

    def __iter__(self) -> Iterator[str]:
        return iter(["a", "b"])

    def __len__(self) -> int:
        return 2


def test_any_mapping_will_do() -> None:
    assert list(Response(headers=Odd()).headers.items()) == [("a", "A"), ("b", "B")]
    received = Request._make("GET", "/", [("A", "1"), ("a", "2")]).headers
    assert list(Response(headers=received).headers.items()) == [("a", "1"), ("a", "2")]
    copied = Response(headers=Response(headers={"a": "1"}).headers)
    assert list(copied.headers.items()) == [("a", "1")]


@pytest.mark.parametrize("source", [1, "a: b", [("a", "b")], {"a": 1}, {1: "a"}, {"a": None}, {"a": b"x"}])
def test_what_is_no_mapping_of_text(source: object) -> None:
    with pytest.raises(TypeError, match="headers must be a mapping of str to str"):
        Response(headers=source)


def test_content_type_in_headers_wins() -> None:
    response = Response("x", headers={"Content-Type": "c/d"}, media_type="a/b")
    assert response.headers.getlist("content-type") == ["c/d"]
