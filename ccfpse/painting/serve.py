"""The process that serves a model until it is stopped."""

import contextlib
import socket
from collections.abc import Iterable, Iterator

import uvicorn

from ccfpse.errors import OutputError
from ccfpse.painting.app import make_app
from ccfpse.painting.queueing import WorkQueue
from ccfpse.painting.studio import Studio

QUEUE_LENGTH = 32
"""Requests that may wait; at the demo's speed that is some two seconds."""
_MOST_UNHEARD = 512  # connections that wait to be looked at
_SECONDS_TO_END = 3


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens at an address; port 0 takes any free one.

    Raises:
        OutputError: the address is taken, or not this machine's.
    """
    advice = "choose another --host or --port"
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with contextlib.ExitStack() as undoing:
            heard = undoing.enter_context(socket.socket(family, kind))
            heard.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # what just ended holds nothing
            heard.bind(address)
            heard.listen(_MOST_UNHEARD)
            undoing.pop_all()
        return heard
    except OSError as error:
        raise OutputError(f"{host}:{port}: cannot be served ({error.strerror}); {advice}") from error
    except UnicodeError as error:  # of names that no machine can have
        raise OutputError(f"{host}: is no name of a machine; {advice}") from error


@contextlib.contextmanager
def serving(
    studio: Studio, *, names: Iterable[str], api_only: bool, queue_length: int = QUEUE_LENGTH
) -> Iterator[uvicorn.Server]:
    """A server that has made a photo already and is ready to run; in the end its network thread is, too.

    Args:
        studio: what does the work.
        names: that requests may call this machine by.
        api_only: without the page.
        queue_length: requests that may wait.
    """
    queue = WorkQueue(queue_length)
    try:
        queue.submit(studio.warm_up).result()
        yield uvicorn.Server(
            uvicorn.Config(
                make_app(studio, queue, names=names, api_only=api_only),
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                lifespan="off",
                ws="none",
                timeout_graceful_shutdown=_SECONDS_TO_END,
            )
        )
    finally:
        queue.close()
