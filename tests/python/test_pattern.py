"""Path patterns as far as Python reads them."""

import pytest

from covet._pattern import check_path, check_prefix, path_parameters
from covet.errors import ConfigurationError


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("/", {}),
        ("/books/{id}", {"id": None}),
        (
            "/{a:int}/{b:float}/{c:uuid}/{d:str}/{e:path}",
            {"a": "int", "b": "float", "c": "uuid", "d": "str", "e": "path"},
        ),
        ("/{größe}", {"größe": None}),
    ],
)
def test_parameters(path: str, found: dict[str, str | None]) -> None:
    assert {name: parameter.converter for name, parameter in path_parameters(path).items()} == found


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/{}", "path '/{}': {} does not name a parameter: write {id} or {id:int}"),
        ("/{1a}", "path '/{1a}': {1a} does not name a parameter: write {id} or {id:int}"),
        ("/{id:itn}", "path '/{id:itn}': {id:itn} has the unknown converter 'itn': did you mean 'int'?"),
        (
            "/{id:}",
            "path '/{id:}': {id:} has the unknown converter '': write one of str, int, float, uuid, path",
        ),
        ("/{id}/{id}", "path '/{id}/{id}': {id} stands in it twice: give each parameter its own name"),
        ("/{id", "path '/{id': a brace is open or closed without its partner: write {id}"),
        ("/id}", "path '/id}': a brace is open or closed without its partner: write {id}"),
    ],
)
def test_malformed(path: str, words: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        path_parameters(path)
    assert str(caught.value) == words


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("books", "path 'books' does not start with \"/\": write '/books'"),
        ("", "path '' does not start with \"/\": write '/'"),
        (5, 'the path is 5: write it as text, as "/books/{id}"'),
    ],
)
def test_path_refused(path: object, words: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        check_path(path, below_prefix=False)
    assert str(caught.value) == words


def test_empty_path_below_a_prefix() -> None:
    assert check_path("", below_prefix=True) == ""


@pytest.mark.parametrize(
    ("prefix", "words"),
    [
        ("shops", "prefix 'shops' does not start with \"/\": write '/shops'"),
        ("/shops/", "prefix '/shops/' ends with \"/\": write '/shops'"),
        (5, 'the prefix is 5: write it as text, as "/books"'),
        ("/{a", "path '/{a': a brace is open or closed without its partner: write {id}"),
    ],
)
def test_prefix_refused(prefix: object, words: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        check_prefix(prefix)
    assert str(caught.value) == words
