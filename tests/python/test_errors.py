"""The exception tree: statuses, what is carried, what is refused."""

import copy
import pickle

import pytest

import covet.errors as tree
from covet.errors import CovetError, HTTPException, NotFound, RequestValidationError

STATUSES = {
    "BadRequest": 400,
    "Unauthorized": 401,
    "Forbidden": 403,
    "NotFound": 404,
    "MethodNotAllowed": 405,
    "Conflict": 409,
    "Gone": 410,
    "ContentTooLarge": 413,
    "UnsupportedMediaType": 415,
    "TooManyRequests": 429,
    "ServiceUnavailable": 503,
}


@pytest.mark.parametrize(("name", "status"), STATUSES.items())
def test_status_of_a_class(name: str, status: int) -> None:
    kind: type[NotFound] = getattr(tree, name)
    error = kind("why", {"x-a": "b"})
    assert isinstance(error, HTTPException)
    assert (error.status_code, error.detail, error.headers) == (status, "why", {"x-a": "b"})
    assert (kind().detail, kind().headers) == (None, None)
    assert (kind.__doc__ or "").startswith(str(status))


@pytest.mark.parametrize("status", [400, 418, 599])
def test_http_exception(status: int) -> None:
    assert HTTPException(status).status_code == status


@pytest.mark.parametrize("status", [399, 600, 200, 0, True, "404", 404.0])
def test_no_error_status(status: int) -> None:
    with pytest.raises(ValueError, match=r"^status_code must be an int from 400 to 599, not "):
        HTTPException(status)


def test_validation_error_holds_its_errors() -> None:
    detail: tree.ErrorDetail = {"source": "query", "pointer": "/q", "code": "missing", "message": "is missing"}
    error = RequestValidationError([detail])
    assert (error.status_code, error.errors()) == (422, [detail])


@pytest.mark.parametrize("error", [HTTPException(418, {"a": 1}), NotFound("x"), RequestValidationError([])])
def test_errors_survive_copying(error: HTTPException) -> None:
    for twin in (copy.copy(error), pickle.loads(pickle.dumps(error))):
        assert type(twin) is type(error)
        assert vars(twin) == vars(error)
        assert twin.args == error.args


def test_one_tree() -> None:
    for name in tree.__all__:
        member = getattr(tree, name)
        if name != "ErrorDetail":
            assert issubclass(member, CovetError), name
