"""What a decorator refuses, word for word, and that it does so at its own line."""

import enum
import functools
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import Annotated, Any, Generic, Literal, NamedTuple, TypedDict, TypeVar
from uuid import UUID

import pytest

pytest.importorskip("covet.routing", reason="needs the native module", exc_type=ImportError)

from covet import (
    Body,
    ConfigurationError,
    Covet,
    File,
    Form,
    Ge,
    Limits,
    Path,
    Query,
    Request,
    Response,
    Router,
    UploadFile,
)

T = TypeVar("T")


@dataclass
class Item:
    name: str


@dataclass
class WrongBound:
    x: Annotated[str, Ge(1)]


class Patch(TypedDict):
    name: str


class Nested(NamedTuple):
    item: Item


class Holder(Generic[T]):
    pass


class Empty(enum.Enum):
    pass


class Odd(enum.Enum):
    PAIR = (1, 2)


class Twice(enum.Enum):
    NUMBER = 1
    TEXT = "1"


class Shape(enum.Enum):
    ROUND = "round"


def _annotated(annotation: object) -> Any:
    def handler(x):  # type: ignore[no-untyped-def]
        return None

    handler.__annotations__ = {"x": annotation}
    return handler


NO_FORM = "which JSON has no form for: register a codec with @covet.codec({}), or make it a dataclass"
ANNOTATIONS: list[tuple[object, str]] = [
    (Any, "is Any, which says nothing: write the type that the handler wants, as `str`"),
    (object, "is object, which says nothing: write the type that the handler wants, as `str`"),
    (dict, "is a bare dict: write what it holds, as dict[str, int]"),
    (list, "is a bare list: write what it holds, as list[str]"),
    (bytes, "is bytes: write Annotated[bytes, Body()] for the raw body"),
    (Request | None, "is Request or None: the request is always there; write `Request`"),
    (Response, "is Response: an answer is returned, not taken; return it from the handler"),
    (Covet, f"is Covet, {NO_FORM.format('Covet')}"),
    (Holder[int], f"is {Holder[int]}, {NO_FORM.format('Holder')}"),
    (T, "is the type variable ~T: write a concrete type"),
    (Empty, "is the enum Empty, which has no members: give it some"),
    (
        Odd,
        "is the enum Odd whose PAIR is (1, 2): give it a str, int, bool or None, "
        "or register a codec with @covet.codec(Odd)",
    ),
    (Twice, "is Twice, of which two values are written '1': give each its own text"),
    (list[Twice], f"is {list[Twice]}, of which two values are written '1': give each its own text"),
    (
        Literal[b"a"],
        "is Literal[b'a']: JSON cannot tell b'a'; its values may be str, int, bool, None and members of an Enum",
    ),
    (
        Annotated[Nested, Query()],
        f"is {str(Annotated[Nested, Query()]).replace('typing.', '')}, which no query field can hold: take a scalar, "
        "a list of scalars, or a type whose fields are these",
    ),
    (
        Annotated[int, Body("text/plain")],
        "has the content type 'text/plain', which is neither JSON nor a form: take bytes or str",
    ),
    (
        Annotated[str, Body("form")],
        "is a form by its content type: take a type with named fields, each a scalar or a list of scalars",
    ),
    (
        Annotated[Item, Body()] | Patch,
        f"is {Annotated[Item, Body()] | Patch}: a union by content type says Body() or "
        "Form() for each of its types, as Annotated[A, Body()] | Annotated[B, Form()]".replace("typing.", ""),
    ),
    (
        list[WrongBound],
        "holds a mistake: WrongBound.x has Ge(1), which a str cannot have: bounds are for numbers, dates, times and "
        "timedelta; else write a function that checks it",
    ),
    (Annotated[str, File()], "is str under File(): take UploadFile, bytes or a list of one of them"),
    (
        Annotated[UploadFile, Query()],
        "is UploadFile and also Query(): a file comes from a form, write File() or nothing",
    ),
    (set[UploadFile], "is set[covet._uploads.UploadFile]: take UploadFile, UploadFile | None or list[UploadFile]"),
    (Annotated[str, Query], "holds the class Query: write Annotated[str, Query()]"),
    (Annotated[str, Query("a"), Path()], "has two sources, Query('a') and Path(): keep one"),
    (Annotated[str, Query()] | None, "has its marker inside the union: write Annotated[... | None, Query()]"),
]


@pytest.mark.parametrize(("annotation", "words"), ANNOTATIONS, ids=lambda value: str(value)[:40])
def test_annotation_refused(annotation: object, words: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Covet().get("/")(_annotated(annotation))
    place, _, text = str(caught.value).partition(" in handler: ")
    assert place.startswith(__file__)
    assert text == f"parameter 'x' {words}"


def unannotated(x):  # type: ignore[no-untyped-def]
    return x


def stars(*parts: str) -> None: ...
def double_stars(**parts: str) -> None: ...
def marker_default(q: str = Query("word")) -> None: ...  # type: ignore[assignment]
def marker_class_default(q: str = Query) -> None: ...  # type: ignore[assignment]
def marker_unannotated(q=Path()) -> None: ...  # type: ignore[no-untyped-def]
def not_in_path(x: Annotated[str, Path()]) -> None: ...
def other_in_path(x: Annotated[str, Path("idd")], id: int) -> None: ...
def twice(a: Annotated[str, Query("q")], q: str) -> None: ...
def request_in_path(id: Request) -> None: ...
def marked_request(request: Annotated[Request, Query()]) -> None: ...
def nothing() -> None: ...
def takes_bool(id: bool) -> None: ...
def takes_list(id: list[int]) -> None: ...
def takes_uuid(id: UUID) -> None: ...
def takes_int(id: int) -> None: ...
def takes_shape(id: Shape) -> None: ...
async def generator_of_text() -> AsyncIterator[str]:
    yield ""


def generator_of_nothing() -> list[int]:  # type: ignore[misc]
    yield 1  # pyright: ignore[reportReturnType]


async def coroutine() -> str:
    return "x"


def text() -> str:
    return "x"


def two_owners(name: Annotated[str, Form()], item: Item) -> None: ...
def two_for_json(item: Annotated[Item, Body()] | Annotated[Patch, Body("json")]) -> None: ...
def bytes_beside_json(data: Annotated[bytes, Body()], item: Item) -> None: ...
def mixed_answer() -> str | dict[str, int]:
    return ""


def unencodable() -> Covet:
    return Covet()


HANDLERS: list[tuple[str, object, str]] = [
    (
        "/",
        two_owners,
        "parameters 'name' and 'item' both own the body, one as a form: mark both as the form's, or none",
    ),
    (
        "/",
        two_for_json,
        "parameter 'item' has two types for application/json: write one of them, or a union inside Body()",
    ),
    (
        "/",
        bytes_beside_json,
        "parameter 'data' is one of several body parameters, which are fields of one JSON object: "
        "take one body parameter, or JSON for all",
    ),
    (
        "/",
        mixed_answer,
        "the answer is str | dict[str, int], text in one case and JSON in another: "
        "write JSONResponse[...], or return one of them",
    ),
    ("/", unencodable, f"the answer is Covet, {NO_FORM.format('Covet')}"),
    ("/", unannotated, "parameter 'x' has no annotation: write `x: str`, or the type that it has"),
    ("/", stars, "parameter '*parts' has no fixed names: write each parameter out, or take `request: Request`"),
    ("/", double_stars, "parameter '**parts' has no fixed names: write each parameter out, or take `request: Request`"),
    (
        "/",
        marker_default,
        "parameter 'q' has Query('word') as its default value: write `q: Annotated[str, Query('word')]`",
    ),
    ("/", marker_class_default, "parameter 'q' has Query() as its default value: write `q: Annotated[str, Query()]`"),
    ("/", marker_unannotated, "parameter 'q' has Path() as its default value: write `q: Annotated[str, Path()]`"),
    ("/", not_in_path, "parameter 'x' is marked Path(), but the path has no parameters: name it {x} there"),
    ("/{id}", other_in_path, "parameter 'x' is marked Path('idd'), but the path has {id}: name it {idd} there"),
    ("/", twice, "parameters 'a' and 'q' both read the query field 'q': keep one"),
    ("/{id}", request_in_path, "parameter 'id' is the Request and also the path's {id}: take them as two parameters"),
    ("/", marked_request, "parameter 'request' is the Request and also Query(): take them as two parameters"),
    (
        "/{id:int}",
        nothing,
        "the path has {id}, but the handler does not take it: "
        "add `id: int`, or take `request: Request` and read `request.path_params`",
    ),
    (
        "/{name}",
        nothing,
        "the path has {name}, but the handler does not take it: "
        "add `name: str`, or take `request: Request` and read `request.path_params`",
    ),
    (
        "/{id:int}",
        takes_bool,
        "parameter 'id' is bool, but the path says {id:int}: make them agree, or write {id}",
    ),
    ("/{id:float}", takes_int, "parameter 'id' is int, but the path says {id:float}: make them agree, or write {id}"),
    ("/{id:path}", takes_int, "parameter 'id' is int, but the path says {id:path}: make them agree, or write {id}"),
    ("/{id:uuid}", takes_shape, "parameter 'id' is Shape, but the path says {id:uuid}: make them agree, or write {id}"),
    ("/{id:int}", takes_uuid, "parameter 'id' is UUID, but the path says {id:int}: make them agree, or write {id}"),
    ("/{id}", takes_list, "parameter 'id' is list[int], but the path holds one value: write its item's type"),
    (
        "/",
        generator_of_text,
        "the answer is a stream of str, which has no media type of its own: return StreamingResponse(...), "
        "or give Event[str] for server-sent events",
    ),
    (
        "/",
        generator_of_nothing,
        "a generator gives items one by one, so it cannot return list[int]: "
        "annotate it with Iterator[...] or AsyncIterator[...]",
    ),
    (
        "/",
        Item,
        "Item is a class: a handler is a function; decorate a method of an instance, or an instance with __call__",
    ),
    ("/", 5, "5 is not callable: decorate a function"),
]


@pytest.mark.parametrize(("path", "handler", "words"), HANDLERS, ids=lambda value: getattr(value, "__name__", None))
def test_handler_refused(path: str, handler: Any, words: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Covet().get(path)(handler)
    assert str(caught.value).partition(": ")[2] == words


OPTIONS: list[tuple[dict[str, object], str]] = [
    (
        {"status": 201},
        "a route has no option 'status': write one of name, middleware, limits, status_code, response_model, ",
    ),
    ({"status_code": "201"}, "status_code is '201': write an int from 200 to 599"),
    ({"status_code": 100}, "status_code is 100: write an int from 200 to 599"),
    ({"status_code": True}, "status_code is True: write an int from 200 to 599"),
    ({"max_body": 1.5}, "max_body is 1.5: write a whole number of bytes from 1, "),
    ({"timeout": "2s"}, "timeout is '2s': write a number of seconds above 0, or a timedelta"),
    ({"max_concurrency": 0}, "max_concurrency is 0: write a whole number from 1"),
    ({"queue": -1}, "queue is -1: write a whole number from 0"),
    ({"queue": None}, "queue is None: write a whole number from 0"),
    ({"on_disconnect": "ignore"}, "on_disconnect is 'ignore': write 'cancel' or 'finish'"),
    ({"blocking": 1}, "blocking is 1: write True or False"),
    ({"name": ""}, "name is '': write text"),
    ({"limits": 5}, 'limits is 5: write Limits(max_body="1MB")'),
]


@pytest.mark.parametrize(("options", "words"), OPTIONS, ids=lambda value: str(value)[:30])
def test_option_refused(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Covet().get("/", **options)
    place, _, text = str(caught.value).partition(": ")
    assert place.startswith(__file__)
    assert text.startswith(words)


@pytest.mark.parametrize("methods", ["GET", [], 5, None])
def test_methods_refused(methods: Any) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Covet().route("/", methods=methods)
    assert str(caught.value).endswith(f'methods is {methods!r}: write a list, as ["GET", "POST"], or "*"')


@pytest.mark.parametrize("method", ["", "A B", "*", 5])
def test_method_refused(method: Any) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Covet().route("/", methods=[method])
    assert str(caught.value).endswith(f'methods has {method!r}: write names of methods, as "GET"')


def test_blocking_is_for_def() -> None:
    with pytest.raises(ConfigurationError) as caught:
        Covet().get("/", blocking=False)(coroutine)
    assert str(caught.value).endswith(
        "in coroutine: blocking=False is for a `def`; an `async def` runs on the loop: leave it out"
    )


@pytest.mark.parametrize("status", [204, 205, 304])
def test_status_without_body(status: int) -> None:
    Covet().get("/", status_code=status)(nothing)
    with pytest.raises(ConfigurationError) as caught:
        Covet().get("/", status_code=status)(text)
    assert str(caught.value).endswith(
        f"status_code={status} has no body, but the handler returns one: annotate it `-> None`"
    )


def test_the_message_names_the_line() -> None:
    app = Covet()
    with pytest.raises(ConfigurationError) as caught:

        @app.get("/")  # this line
        def handler(x: Any) -> None: ...

    source = FilePath(__file__).read_text(encoding="utf-8").splitlines()
    line = next(number for number, text in enumerate(source, 1) if text.endswith("# this line"))
    assert str(caught.value).startswith(f"{__file__}:{line} in handler: parameter 'x' ")


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Router("x"), "prefix 'x' does not start with \"/\": write '/x'"),
        (lambda: Router("/x", limits=5), 'limits is 5: write Limits(max_body="1MB")'),  # type: ignore[arg-type]
        (lambda: Covet(lifespan=5), "lifespan is 5: write a function that takes the app"),  # type: ignore[arg-type]
        (lambda: Covet().include_router(Covet()), "include_router got <Covet 'Covet' 0.1.0>: give it a Router"),  # type: ignore[arg-type]
        (lambda: Query(5), "the alias of Query is 5: write the name on the wire as text"),  # type: ignore[arg-type]
        (lambda: Path(""), "the alias of Path is '': write the name on the wire as text"),
    ],
)
def test_construction_refused(make: Any, words: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        make()
    assert str(caught.value) == words


def test_a_good_route_is_returned_unchanged() -> None:
    app = Covet(limits=Limits(timeout=1))
    assert app.get("/")(text) is text
    bound = functools.partial(takes_int, id=5)
    assert app.get("/p")(bound) is bound
