"""The application: endpoints, pages, and errors as one sentence."""

import mimetypes
from collections.abc import Awaitable, Callable, Iterable
from importlib import metadata, resources

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp

from ccfpse.errors import CcfpseError
from ccfpse.painting.endpoints import Gone, make_router
from ccfpse.painting.guard import Guard
from ccfpse.painting.queueing import QueueFull, Superseded, WorkQueue
from ccfpse.painting.studio import Studio

_PAGE, _REFERENCE = "index.html", "reference.html"
_AT_ONCE = 4  # requests in progress, for each that may wait: others still arrive, or are being answered
_DESCRIPTION = (
    "Photos from label maps by one model. Requests take their turn before one network; "
    "when too many wait, one more is answered with 503. Errors are JSON: `detail` says what is wrong."
)


def make_app(
    studio: Studio, queue: WorkQueue, *, names: Iterable[str] = (), api_only: bool = False
) -> ASGIApp:
    """The whole application.

    Args:
        studio: what does the work.
        queue: in front of it.
        names: that requests may call this machine by, beside addresses and `localhost`.
        api_only: without the page for painting; `/` is the reference of the endpoints.
    """
    app = FastAPI(
        title="ccfpse",
        version=metadata.version("ccfpse"),
        description=_DESCRIPTION,
        docs_url=None,  # it would load its script from elsewhere
        redoc_url=None,
    )
    app.include_router(make_router(studio, queue))
    _add_pages(app, api_only)
    _add_errors(app)
    return Guard(app, names, most_at_once=_AT_ONCE * queue.length)


def _add_pages(app: FastAPI, api_only: bool) -> None:
    files = {
        file.name: file.read_bytes()
        for file in resources.files("ccfpse.painting").joinpath("page").iterdir()
        if file.is_file()
    }
    shown = {"/": _REFERENCE if api_only else _PAGE, "/reference": _REFERENCE}
    for path, name in shown.items():
        app.add_api_route(path, _giving(files[name], name), include_in_schema=False)
    for name, content in files.items():
        if name not in shown.values():
            app.add_api_route(f"/page/{name}", _giving(content, name), include_in_schema=False)


def _giving(content: bytes, name: str) -> Callable[[], Awaitable[Response]]:
    kind = "text/javascript" if name.endswith(".js") else mimetypes.guess_type(name)[0]

    async def file() -> Response:
        return Response(content, media_type=kind)

    return file


def _add_errors(app: FastAPI) -> None:
    @app.exception_handler(CcfpseError)
    async def refused(request: Request, error: CcfpseError) -> Response:
        status = {QueueFull: 503, Superseded: 409}.get(type(error), 400)
        return _told(status, error.sentence, {"Retry-After": "1"} if status == 503 else None)

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"][1:]) or "the request"
        return _told(422, f"{where}: {first['msg']}; /reference says what is expected")

    @app.exception_handler(HTTPException)
    async def other(request: Request, error: HTTPException) -> Response:
        sentence = "there is nothing at this address" if error.status_code == 404 else str(error.detail)
        return _told(error.status_code, sentence)

    @app.exception_handler(Gone)
    async def unheard(request: Request, error: Gone) -> Response:
        return Response(status_code=499)

    @app.exception_handler(Exception)
    async def internal(request: Request, error: Exception) -> Response:
        return _told(500, f"internal error: {type(error).__name__}; the terminal of the server says more")


def _told(status: int, sentence: str, headers: dict[str, str] | None = None) -> Response:
    return JSONResponse({"detail": sentence}, status, headers)
