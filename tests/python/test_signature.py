"""Signatures to plans: every source, kind and form of handler, and the second look at start."""

import enum
import functools
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator, Iterator
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal, NewType, Optional
from uuid import UUID

import pytest

pytest.importorskip("covet.routing", reason="needs the native module", exc_type=ImportError)

from covet import Body, ConfigurationError, Covet, Event, File, Form, Limits, Path, Query, Request, Router, UploadFile
from covet._compile import compile_routes
from covet._pattern import path_parameters
from covet._plan import BodyReader, FormLimits, ParameterPlan, RoutePlan
from covet._signature import read_hints, read_signature
from covet._types.nodes import EnumNode, ListNode, Node, NullableNode, TextNode
from covet.settings import ServerSettings


class Shape(enum.Enum):
    ROUND = "round"
    SQUARE = "square"


class Level(enum.IntEnum):
    LOW = 1


UserId = NewType("UserId", int)


def plans(handler: Callable[..., object], path: str = "/") -> tuple[ParameterPlan, ...]:
    return read_signature(path_parameters(path), read_hints(handler, {})).parameters


def told(node: Node | None) -> object:
    """A node in few words."""
    match node:
        case None:
            return "request"
        case NullableNode():
            return ("nullable", told(node.inner))
        case ListNode():
            return ("list", told(node.item))
        case EnumNode():
            return ("enum", node.cls, node.members)
        case TextNode():
            return node.name
        case _:
            return node.kind


def compiled(app: Covet) -> list[RoutePlan]:
    return [each.plan for each in compile_routes(app, ServerSettings())]


ROUND, SQUARE = ("round", Shape.ROUND), ("square", Shape.SQUARE)
NODES: list[tuple[object, object]] = [
    (str, "str"),
    (int, "int"),
    (float, "float"),
    (bool, "bool"),
    (UUID, "uuid"),
    (Decimal, "decimal"),
    (datetime, "datetime"),
    (Request, "request"),
    (UserId, "int"),
    (Shape, ("enum", Shape, [ROUND, SQUARE])),
    (Level, ("enum", Level, [(1, Level.LOW)])),
    (Literal["a", 2, True], ("enum", None, [("a", "a"), (2, 2), (True, True)])),
    (Literal[Shape.ROUND], ("enum", None, [ROUND])),
    (int | None, ("nullable", "int")),
    (Optional[Shape], ("nullable", ("enum", Shape, [ROUND, SQUARE]))),
    (list[int], ("list", "int")),
    (set[int], ("list", "int")),
    (list[Literal["a"]], ("list", ("enum", None, [("a", "a")]))),
    (list[UUID] | None, ("nullable", ("list", "uuid"))),
    (int | str, "union"),
    (Annotated[int, Query("n")], "int"),
    (Annotated[int | None, "a note", Query("n")], ("nullable", "int")),
]


@pytest.mark.parametrize(("annotation", "expected"), NODES, ids=lambda value: str(value)[:40])
def test_types(annotation: object, expected: object) -> None:
    def handler(x):  # type: ignore[no-untyped-def]
        return x

    handler.__annotations__ = {"x": annotation}
    (plan,) = plans(handler)
    assert told(plan.node) == expected


def test_sources() -> None:
    def handler(
        request: Request,
        id: int,
        q: str,
        word: Annotated[str, Query("w")],
        thing: Annotated[str, Path("name")],
        n: int = 5,
    ) -> None: ...

    found = [
        (plan.name, plan.source, plan.alias, plan.required, plan.default) for plan in plans(handler, "/{id}/{name}")
    ]
    assert found == [
        ("request", "request", "request", True, None),
        ("id", "path", "id", True, None),
        ("q", "query", "q", True, None),
        ("word", "query", "w", True, None),
        ("thing", "path", "name", True, None),
        ("n", "query", "n", False, 5),
    ]


def test_path_of_another_route_is_query_here() -> None:
    app = Covet()

    @app.get("/books")
    @app.get("/books/{id}")
    def handler(id: int = 0) -> None: ...

    assert [(plan.path, plan.parameters[0].source) for plan in compiled(app)] == [
        ("/books/{id}", "path"),
        ("/books", "query"),
    ]


def test_none_default_is_a_default() -> None:
    def handler(q: str | None, r: str | None = None) -> None: ...

    assert [(plan.required, plan.default) for plan in plans(handler)] == [(True, None), (False, None)]


class Shop:
    def method(self, id: int) -> int:
        return id

    @staticmethod
    def static(id: int) -> int:
        return id

    @classmethod
    def of_class(cls, id: int) -> int:
        return id

    def __call__(self, id: int) -> int:
        return id


def positional_only(id: int, /) -> int:
    return id


def keyword_only(*, id: int) -> int:
    return id


def two(user: str, id: int) -> int:
    return id


@functools.wraps(keyword_only)
def wrapping(*args: Any, **kwargs: Any) -> int:
    return keyword_only(*args, **kwargs)


FORMS: dict[str, Callable[..., object]] = {
    "function": lambda id: id,
    "method": Shop().method,
    "static": Shop.static,
    "class method": Shop.of_class,
    "callable object": Shop(),
    "positional only": positional_only,
    "partial by position": functools.partial(two, "root"),
    "partial by keyword": functools.partial(two, user="root"),
    "partial of a method": functools.partial(Shop().method),
    "wraps": wrapping,
    "cached": functools.cache(positional_only),
}
FORMS["function"].__annotations__ = {"id": int}


@pytest.mark.parametrize("handler", FORMS.values(), ids=FORMS.keys())
def test_forms_of_handlers(handler: Callable[..., object]) -> None:
    (plan,) = plans(handler, "/{id:int}")
    assert (plan.name, plan.source, told(plan.node), plan.required) == ("id", "path", "int", True)


def test_a_bound_argument_is_never_the_clients() -> None:
    assert [plan.name for plan in plans(functools.partial(two, user="root"))] == ["id"]


@pytest.mark.parametrize(("handler", "keyword"), [(keyword_only, True), (two, False), (wrapping, True)])
def test_keyword(handler: Callable[..., object], keyword: bool) -> None:
    assert plans(handler)[-1].keyword is keyword


def test_names_of_handlers() -> None:
    app = Covet()
    for number, handler in enumerate(FORMS.values()):
        app.get(f"/{number}/{{id}}")(handler)
    names = [plan.name for plan in compiled(app)]
    assert names == [
        "<lambda>",
        "method",
        "static",
        "of_class",
        "Shop",
        "positional_only",
        "two",
        "two",
        "method",
        "keyword_only",
        "positional_only",
    ]


def test_local_names_are_found() -> None:
    class Local(enum.Enum):
        A = "a"

    app = Covet()

    @app.get("/")
    def handler(x: "Local", y: "list[Local]") -> None: ...

    assert [type(parameter.node) for parameter in compiled(app)[0].parameters] == [EnumNode, ListNode]


def test_a_later_name_is_found_at_start() -> None:
    app = Covet()

    @app.get("/")
    def handler(x: "Later") -> None: ...

    class Later(enum.Enum):
        A = "a"

    assert isinstance(compiled(app)[0].parameters[0].node, EnumNode)


def test_a_later_mistake_is_found_at_start() -> None:
    app = Covet()

    @app.get("/")
    def handler(x: "Later") -> None: ...

    class Later: ...

    with pytest.raises(ConfigurationError, match=r" in handler: parameter 'x' is .*Later, which JSON has no form for"):
        compiled(app)


def test_an_undefined_name_is_an_error_at_start() -> None:
    app = Covet()

    @app.get("/")
    def handler(x: "Nowhere") -> None: ...  # type: ignore[name-defined] # noqa: F821

    with pytest.raises(ConfigurationError) as caught:
        compiled(app)
    assert str(caught.value).endswith(
        "in handler: a hint names 'Nowhere', which is not defined: define or import it before the start"
    )


def test_frames_are_let_go() -> None:
    class Held: ...

    held = Held()
    count = sys.getrefcount(held)

    def declare(mine: Held) -> Covet:
        app = Covet()
        app.get("/")(two)
        return app

    app = declare(held)
    assert sys.getrefcount(held) == count
    assert app


@pytest.mark.skipif(sys.version_info < (3, 12), reason="the type statement is newer")
def test_type_aliases() -> None:
    names: dict[str, Any] = {}
    exec(  # older versions cannot parse it
        "from typing import Annotated\nfrom covet import Query\n"
        "type Tags = Annotated[list[str], Query('tag')]\ntype Many[T] = list[T]\n"
        "def handler(tags: Tags, numbers: Many[int]) -> None: ...",
        names,
    )
    found = [(plan.alias, told(plan.node)) for plan in plans(names["handler"])]
    assert found == [("tag", ("list", "str")), ("numbers", ("list", "int"))]


def test_a_prefix_around_the_router_gives_path_parameters() -> None:
    app, shop, items = Covet(), Router("/shops/{shop}"), Router("/items")

    @items.get("/{id}")
    def one(shop: int, place: Annotated[str, Path("town")], id: int) -> None: ...

    shop.include_router(items)
    app.include_router(shop, prefix="/{town}")
    (plan,) = compiled(app)
    assert plan.path == "/{town}/shops/{shop}/items/{id}"
    assert [parameter.source for parameter in plan.parameters] == ["path", "path", "path"]


def test_a_prefix_whose_parameter_nobody_takes() -> None:
    app, shop = Covet(), Router("/shops")
    shop.get("/{id}")(positional_only)
    app.include_router(shop, prefix="/{town}")
    with pytest.raises(ConfigurationError, match=r"the path has \{town\}, but the handler does not take it: "):
        compiled(app)


def test_a_router_that_includes_itself() -> None:
    app, first, second = Covet(), Router("/a"), Router("/b")
    first.include_router(second)
    second.include_router(first)
    app.include_router(first)
    with pytest.raises(ConfigurationError, match=r"^the router with prefix '/a' includes itself"):
        compiled(app)


def test_routes_added_to_a_router_later() -> None:
    app, late = Covet(), Router("/late")
    app.include_router(late)
    late.get("")(keyword_only)
    assert [plan.path for plan in compiled(app)] == ["/late"]


def test_an_empty_full_path() -> None:
    app, router = Covet(), Router("/a")
    app.include_router(router)
    router.get("")(two)
    assert compiled(app)[0].path == "/a"


def test_limits_nearest_first() -> None:
    app = Covet(limits=Limits(max_body=1, timeout=1))
    outer, inner = Router("/o", limits=Limits(max_body=2)), Router("/i", limits=Limits(timeout=3))
    outer.include_router(inner)
    app.include_router(outer)
    app.get("/app")(two)
    outer.get("/outer")(two)
    inner.get("/inner")(two)
    inner.get("/own", max_body=None, limits=Limits(max_body=9, timeout=9))(two)
    inner.get("/limits", limits=Limits(max_body="1KB"), timeout=None)(two)
    found = {plan.path: (plan.max_body, plan.timeout) for plan in compiled(app)}
    assert found == {
        "/app": (1, 1.0),
        "/o/outer": (2, 1.0),
        "/o/i/inner": (2, 3.0),
        "/o/i/own": (None, 9.0),
        "/o/i/limits": (1000, None),
    }


def test_concurrency_nearest_first() -> None:
    app, router = Covet(limits=Limits(max_concurrency=5, queue=6)), Router("/r", limits=Limits(queue=0))
    app.include_router(router)
    app.get("/app")(two)
    router.get("/own", max_concurrency=1)(two)
    router.get("/none", limits=Limits(max_concurrency=None))(two)
    found = {plan.path: (plan.max_concurrency, plan.queue) for plan in compiled(app)}
    assert found == {"/app": (5, 6), "/r/own": (1, 0), "/r/none": (None, 0)}


def test_a_line_that_nobody_could_wait_in() -> None:
    app = Covet(limits=Limits(queue=5))
    app.get("/app")(two)
    assert [(plan.max_concurrency, plan.queue) for plan in compiled(app)] == [(None, 5)], "for routes that say a bound"
    app.get("/own", queue=1)(two)
    with pytest.raises(ConfigurationError, match=r"two: queue is 1, but nothing waits without max_concurrency"):
        compiled(app)


def test_settings_give_the_last_limit() -> None:
    app = Covet()
    app.get("/")(two)
    (plan,) = (each.plan for each in compile_routes(app, ServerSettings(max_body=7)))
    assert (plan.max_body, plan.timeout) == (7, None)


def nothing() -> None: ...
def something() -> str:
    return ""


def unsaid():  # type: ignore[no-untyped-def]
    return None


def items() -> Iterator[int]:
    yield 1


async def items_on_the_loop() -> AsyncGenerator[dict[str, int], None]:
    yield {}


def items_unsaid():  # type: ignore[no-untyped-def]
    yield 1


async def returns_items() -> AsyncIterator[list[int]]:
    return items_on_the_loop()  # type: ignore[return-value]  # pyright: ignore[reportReturnType]


async def events() -> AsyncIterator[Event[int]]:
    yield Event(1)


def events_of_anything() -> Generator[Event[Any]]:
    yield Event("text")


@pytest.mark.parametrize(
    ("handler", "options", "status", "answer"),
    [
        (nothing, {}, 204, "empty"),
        (nothing, {"status_code": 202}, 202, "empty"),
        (something, {}, 200, "text"),
        (something, {"status_code": 201}, 201, "text"),
        (something, {"response_model": list[int]}, 200, "json"),
        (unsaid, {}, 200, "any"),
        (items, {}, 200, "lines"),
        (items_on_the_loop, {}, 200, "lines"),
        (items_unsaid, {"status_code": 202}, 202, "lines"),
        (returns_items, {}, 200, "lines"),
        (events, {}, 200, "events"),
        (events_of_anything, {}, 200, "events"),
    ],
)
def test_answers(handler: Callable[[], object], options: Any, status: int, answer: str) -> None:
    app = Covet()
    app.post("/", **options)(handler)
    (plan,) = compiled(app)
    assert (plan.status_code, plan.answer.form) == (status, answer)


@pytest.mark.parametrize("name", ["response_model", "response_check"])
def test_options_for_one_value(name: str) -> None:
    app = Covet()
    with pytest.raises(ConfigurationError, match=f"{name} is for one value: annotate the items"):
        app.get("/", **{name: True})(items)  # type: ignore[arg-type]
        compiled(app)


def test_methods_and_disconnects() -> None:
    app = Covet()
    for name in ("get", "post", "put", "patch", "delete", "head", "options", "query"):
        getattr(app, name)("/")(something)
    app.route("/all", methods="*")(something)
    app.route("/some", methods=["get", "head", "GET"])(something)
    app.post("/cancelled", on_disconnect="cancel")(something)
    app.get("/finished", on_disconnect="finish")(something)
    assert [(plan.methods, plan.cancel_on_disconnect) for plan in compiled(app)] == [
        (("GET",), True),
        (("POST",), False),
        (("PUT",), False),
        (("PATCH",), False),
        (("DELETE",), False),
        (("HEAD",), True),
        (("OPTIONS",), False),
        (("QUERY",), True),
        (("*",), False),
        (("GET", "HEAD"), True),
        (("POST",), True),
        (("GET",), False),
    ]


def test_no_routes_after_the_start() -> None:
    app = Covet()
    app.close_routes()
    with pytest.raises(ConfigurationError, match="the server has started: declare routes before it"):
        app.get("/")


# Forms with files

FORM, MULTIPART = "application/x-www-form-urlencoded", "multipart/form-data"


@pytest.mark.parametrize(
    ("annotation", "shape", "node"),
    [
        (UploadFile, "scalar", None),
        (UploadFile | None, "scalar", None),
        (Annotated[UploadFile, File("other")], "scalar", None),
        (list[UploadFile], "list", None),
        (Annotated[list[UploadFile] | None, File()], "list", None),
        (Annotated[bytes, File()], "scalar", "bytes"),
        (Annotated[bytes | None, File()], "scalar", "bytes"),
        (Annotated[list[bytes], File()], "list", "bytes"),
    ],
)
def test_files(annotation: Any, shape: str, node: str | None) -> None:
    async def handler(taken: Any) -> None: ...

    handler.__annotations__["taken"] = annotation
    signature = read_signature(path_parameters("/"), read_hints(handler, {}))
    (plan,) = signature.parameters
    assert (plan.source, plan.shape, plan.node and plan.node.kind) == ("file", shape, node)
    assert plan.alias == ("other" if "other" in str(annotation) else "taken")
    assert signature.body is not None
    assert signature.body.readers == (BodyReader("multipart", MULTIPART, None),)
    assert (signature.body.in_memory, signature.body.sha256) == (node == "bytes", False)


def test_files_beside_form_fields() -> None:
    async def handler(note: Annotated[str, Form()], file: Annotated[UploadFile, File(sha256=True)]) -> None: ...

    signature = read_signature(path_parameters("/"), read_hints(handler, {}))
    assert [plan.source for plan in signature.parameters] == ["form", "file"]
    assert signature.body is not None
    assert [reader.media_type for reader in signature.body.readers] == [MULTIPART]
    assert signature.body.sha256


def test_forms_without_files_come_in_either_kind() -> None:
    async def handler(note: Annotated[str, Form()]) -> None: ...

    body = read_signature(path_parameters("/"), read_hints(handler, {})).body
    assert body is not None
    assert [(reader.form, reader.media_type) for reader in body.readers] == [("form", FORM), ("multipart", MULTIPART)]


def test_a_file_and_another_body() -> None:
    async def handler(file: UploadFile, item: Annotated[dict[str, int], Body()]) -> None: ...

    expected = "parameters 'file' and 'item' both own the body, one as a form: mark both as the form's, or none"
    with pytest.raises(ConfigurationError, match=f"^{expected}$"):
        read_signature(path_parameters("/"), read_hints(handler, {}))


def test_a_file_in_the_path() -> None:
    async def handler(file: UploadFile) -> None: ...

    with pytest.raises(ConfigurationError, match="is a file and also the path's {file}"):
        read_signature(path_parameters("/{file}"), read_hints(handler, {}))


def test_form_limits_come_from_the_nearest_that_says_them() -> None:
    app = Covet(limits=Limits(form_fields=5, multipart_parts=6))

    @app.post("/", limits=Limits(multipart_parts=7, multipart_field_size="64MiB"))
    async def handler(file: UploadFile) -> None: ...

    (plan,) = compiled(app)
    size = 64 * 1024 * 1024
    assert plan.form_limits == FormLimits(
        fields=5, parts=7, files=100, head=8192, head_fields=16, field_size=size, all_fields=size
    )
