"""Wrong responses and errors."""

from covet import Covet, HTTPException, JSONResponse, NotFound, RedirectResponse, Request, Response

app = Covet()

JSONResponse({}, status=201)  # E: status_code
JSONResponse()  # E: content is missing
Response({"a": 1})  # E: bytes or str
Response("x", content_type="text/x")  # E: media_type
RedirectResponse()  # E: url is missing
RedirectResponse("/", "303")  # E: int
HTTPException("404")  # E: int
HTTPException()  # E: status_code is missing
HTTPException(404, headers=[("a", "b")])  # E: a mapping
NotFound(404, status_code=404)  # E: has its status


def wrong() -> JSONResponse[int]:
    return JSONResponse("x")  # E: JSONResponse[int]


def headers(response: Response) -> None:
    response.headers["x"] = 1  # E: str
    response.headers = {}  # E: read only
    response.set_cookie("a", "b", samesite="Lax")  # E: lower case
    response.set_cookie("a", 1)  # E: str


async def body(request: Request) -> None:
    request.method = "GET"  # E: read only
    request.state = 1  # E: read only
    (request.body()).decode()  # E: await
