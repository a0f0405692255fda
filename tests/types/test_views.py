"""`keys()`, `values()` and `items()` are views: live, with the standard library's classes and operators."""

from collections.abc import Callable, ItemsView, KeysView, Mapping, ValuesView

import pytest

from covet._native import Request, Response

MakeRequest = Callable[..., Request]
Mappings = dict[str, Mapping[str, str]]

NAMES = ["Headers", "MutableHeaders", "QueryParams"]


@pytest.fixture
def mappings(make: MakeRequest) -> Mappings:
    """The three, each with `a` once and `b`, last `3`."""
    request = make("/?a=1&b=3", [("a", "1"), ("b", "3")])
    return {
        "Headers": request.headers,
        "MutableHeaders": Response(headers={"a": "1", "b": "3"}).headers,
        "QueryParams": request.query_params,
    }


@pytest.mark.parametrize("name", NAMES)
def test_classes_and_operators(mappings: Mappings, name: str) -> None:
    mapping = mappings[name]
    keys, values, items = mapping.keys(), mapping.values(), mapping.items()
    assert isinstance(keys, KeysView)
    assert isinstance(values, ValuesView)
    assert isinstance(items, ItemsView)
    assert (len(keys), len(values), len(items)) == (2, 2, 2)
    assert (list(keys), list(values), list(items)) == (["a", "b"], ["1", "3"], [("a", "1"), ("b", "3")])
    assert keys == {"a", "b"}
    assert keys & {"b", "c"} == {"b"}
    assert keys | {"c"} == {"a", "b", "c"}
    assert items - {("a", "1")} == {("b", "3")}
    assert items == {("a", "1"), ("b", "3")}
    assert "a" in keys
    assert "c" not in keys
    assert "3" in values
    assert "4" not in values
    assert ("b", "3") in items
    assert ("b", "4") not in items
    assert ("c", "3") not in items
    assert 1 not in items  # type: ignore[operator]
    assert dict(mapping) == dict(items) == {"a": "1", "b": "3"}


def test_every_field_is_seen(make: MakeRequest) -> None:
    received = make("/", [("a", "1"), ("B", "2"), ("b", "3")]).headers
    own = Response(headers={"a": "1", "B": "2"}).headers
    own.append("b", "3")
    for headers in (received, own):
        assert list(headers.keys()) == ["a", "b", "b"]
        assert list(headers.values()) == ["1", "2", "3"]
        assert list(headers.items()) == [("a", "1"), ("b", "2"), ("b", "3")]
        assert ("B", "3") in headers.items()
        assert len(headers.items()) == 3
        assert "3" in headers.values()


def test_views_are_live() -> None:
    headers = Response(headers={"a": "1"}).headers
    keys, values, items = headers.keys(), headers.values(), headers.items()
    headers["b"] = "2"
    del headers["a"]
    assert (list(keys), list(values), list(items)) == (["b"], ["2"], [("b", "2")])
    for name in keys:
        del headers[name]
    assert (len(keys), len(values), len(items)) == (0, 0, 0)
