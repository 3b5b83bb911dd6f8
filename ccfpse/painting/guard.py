"""Keeps other sites, oversized and too many requests away from the endpoints.

A page of another site may send requests to this machine from the user's own browser, and may have its name
answer with this machine's address (DNS rebinding). So a request must name this machine as it is called, by
an address or an allowed name, and what computes must not come from a page of another origin.
"""

import asyncio
import ipaddress
import json
from collections.abc import Iterable
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Message, Receive, Scope, Send

MOST_BYTES = 2**25
"""Of a request: label maps and photos of large cameras."""
_SECONDS_FOR_A_PIECE = 30
_HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' blob: data:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cache-control": "no-store",
}
_SAFE = ("GET", "HEAD")
_COMPUTES = "/api/"


class Guard:
    """Wraps an application; refusals are a sentence in ``{"detail": …}``."""

    def __init__(self, app: ASGIApp, names: Iterable[str], most_at_once: int) -> None:
        """Guards `app`.

        Args:
            app: the application.
            names: of this machine that a request may call it by, beside addresses and `localhost`.
            most_at_once: requests to compute that may be in progress; others are refused with 503.
        """
        self._app = app
        self._names = {name.casefold() for name in names} | {"localhost"}
        self._most_at_once = most_at_once
        self._at_once = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As ASGI has it."""
        if scope["type"] != "http":
            return
        headers = {key.decode("latin-1"): value.decode("latin-1") for key, value in scope["headers"]}
        guarded = _with_headers(send)
        refusal = self._refusal(scope["method"], scope["path"], headers)
        if refusal is not None:
            status, sentence = refusal
            if status != 413:  # else the sender would meet a closed connection, not the sentence
                await _drain(receive)
            await _refuse(guarded, status, sentence)
        elif not scope["path"].startswith(_COMPUTES):
            await self._app(scope, receive, guarded)
        else:
            self._at_once += 1
            try:
                await self._app(scope, _in_time(receive), guarded)
            finally:
                self._at_once -= 1

    def _refusal(self, method: str, path: str, headers: dict[str, str]) -> tuple[int, str] | None:
        host = headers.get("host", "")
        if method not in _SAFE and not headers.get("content-length", "").isdecimal():
            return 413, "a request has to say how long it is (Content-Length)"
        if "transfer-encoding" in headers:  # it would say another length than the one that is looked at
            return 413, "a request has to come in one piece (no Transfer-Encoding)"
        if method not in _SAFE and int(headers["content-length"][:20]) > MOST_BYTES:
            return 413, f"a request has at most {MOST_BYTES // 2**20} MiB; reduce the picture"
        if not self._is_ours(host):
            return (
                421,
                f"this server is not called {host[:100]!r}; start it with --allow-host to permit that name",
            )
        # A page may be reached by a link from anywhere, but what it asks for is asked by itself alone.
        site = headers.get("sec-fetch-site", "same-origin")
        computes = path.startswith(_COMPUTES) or method not in _SAFE
        if computes and site not in ("same-origin", "none"):
            return 403, "a page of another site may not use this server"
        origin = headers.get("origin")
        if method not in _SAFE and origin is not None and _place(origin) != host.casefold():
            return 403, "a page of another site may not use this server"
        if computes and self._at_once >= self._most_at_once:
            return 503, f"{self._most_at_once} requests are in progress already; try again in a moment"
        return None

    def _is_ours(self, host: str) -> bool:
        try:
            name = urlsplit(f"//{host}").hostname or ""
        except ValueError:
            return False
        if name in self._names:
            return True
        try:
            ipaddress.ip_address(name)  # whoever has an address for a name has no name to rebind
        except ValueError:
            return False
        return True


def _place(origin: str) -> str | None:
    try:
        return urlsplit(origin).netloc.casefold()
    except ValueError:
        return None


def _with_headers(send: Send) -> Send:
    added = [(key.encode(), value.encode()) for key, value in _HEADERS.items()]

    async def guarded(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message.get("headers", []), *added]
        await send(message)

    return guarded


def _in_time(receive: Receive) -> Receive:
    """The body piece by piece, the sender being gone when a piece does not come."""
    is_complete = False

    async def received() -> Message:
        nonlocal is_complete
        if is_complete:  # what now comes is the end of the connection, whenever that is
            return await receive()
        try:
            message = await asyncio.wait_for(receive(), _SECONDS_FOR_A_PIECE)
        except TimeoutError:
            return {"type": "http.disconnect"}
        is_complete = not message.get("more_body", False)
        return message

    return received


async def _drain(receive: Receive) -> None:
    received = _in_time(receive)
    while (message := await received())["type"] == "http.request" and message.get("more_body", False):
        pass


async def _refuse(send: Send, status: int, sentence: str) -> None:
    content = json.dumps({"detail": sentence}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(content)).encode())]
    if status == 503:
        headers.append((b"retry-after", b"1"))
    if status == 413:
        headers.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": content})
