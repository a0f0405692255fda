"""`FormData`: the last value wins, every value is there."""

import pytest

from covet.requests import FormData


def test_a_mapping_of_last_values() -> None:
    data = FormData([("a", "1"), ("b", "2"), ("a", "3")])
    assert (data["a"], data["b"], len(data), list(data)) == ("3", "2", 2, ["a", "b"])
    assert data == {"a": "3", "b": "2"}
    assert ("a" in data, "c" in data, data.get("c", "none")) == (True, False, "none")
    with pytest.raises(KeyError):
        data["c"]


def test_every_value_in_order() -> None:
    data = FormData([("a", "1"), ("b", "2"), ("a", "3")])
    assert (data.getlist("a"), data.getlist("c")) == (["1", "3"], [])
    assert data.multi_items() == [("a", "1"), ("b", "2"), ("a", "3")]
    assert repr(data) == "FormData([('a', '1'), ('b', '2'), ('a', '3')])"
