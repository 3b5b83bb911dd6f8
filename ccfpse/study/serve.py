"""Serves a study's page on the local network and keeps the answers that its raters send."""

import json
import threading
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from ccfpse.errors import CcfpseError, DataError, OutputError
from ccfpse.files import replacing
from ccfpse.opening import read_regular
from ccfpse.placing import refuse_way_out
from ccfpse.study.answers import MOST_BYTES, parse_answers, read_answers
from ccfpse.study.key import PAGE, Key, load_key

ANSWERS = "answers"
"""Folder of the answers, one file a rater."""
_PAGE_PATHS = ("/", "/index.html")
_SECONDS_TO_SEND = 30
_LARGEST_PAGE = 2**31
_PIECE = 1 << 16


def kept_answers(folder: Path) -> list[Path]:
    """The answer files that a study's server has kept; one that is being written is none."""
    return sorted(path for path in (folder / ANSWERS).glob("*.json") if not path.name.startswith("."))


class StudyServer(ThreadingHTTPServer):
    """Two things: `GET /` gives the page, `POST /answers` keeps a rater's answers.

    A rater's page sends all its answers after every change; the file is replaced by what is not older,
    written whole and on disk before the page is told so.
    """

    daemon_threads = True

    def __init__(self, folder: Path, address: tuple[str, int], said: Callable[[str], None]) -> None:
        """Serves the study in `folder`.

        Raises:
            DataError: there is no study.
            OutputError: the address is taken, or not this machine's.
        """
        self.key: Key = load_key(folder)
        try:
            self.page = read_regular(folder / PAGE, _LARGEST_PAGE)
        except OSError as error:
            raise DataError(
                f"{folder / PAGE}: cannot be read ({error.strerror}); make the study again"
            ) from error
        self.answers, self.said = folder / ANSWERS, said
        refuse_way_out(folder, self.answers / "a rater's")
        self._writing = threading.Lock()
        try:
            super().__init__(address, _Handler)
        except OSError as error:
            raise OutputError(f"{address[0]}:{address[1]}: cannot be served ({error.strerror})") from error

    @property
    def port(self) -> int:
        """The one that is served, also where any free one was asked for."""
        return int(self.server_address[1])

    def keep(self, content: bytes) -> int:
        """Keeps one rater's answers; returns how many there are now.

        Raises:
            DataError: they are damaged, or of another study.
            OutputError: they cannot be written.
        """
        found = parse_answers(content, self.key, "the answers")
        path = self.answers / f"{found.rater}.json"
        with self._writing:
            if path.is_file():
                kept = read_answers(path, self.key)
                if kept.revision > found.revision:  # overtaken by a later one on the way
                    return len(kept.answers)
            with replacing(path) as temporary:
                temporary.write_bytes(content)
        self.said(f"{found.rater[:8]}: {len(found.answers)} of {len(self.key.items)}")
        return len(found.answers)


class _Handler(BaseHTTPRequestHandler):
    server: StudyServer
    timeout = _SECONDS_TO_SEND

    def do_GET(self) -> None:
        if self.path.partition("?")[0] in _PAGE_PATHS:
            self._send(HTTPStatus.OK, "text/html; charset=utf-8", self.server.page)
        else:
            self._tell(HTTPStatus.NOT_FOUND, "there is only the study's page here")

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length", "")
        is_number = length.isascii() and length.isdecimal() and len(length) <= len(str(MOST_BYTES))
        if self.path != "/answers" or not is_number or int(length) > MOST_BYTES:
            self.close_connection = True  # what was sent is not read
            self._tell(HTTPStatus.BAD_REQUEST, "answers go to /answers, and say how long they are")
            return
        try:
            count = self.server.keep(self.rfile.read(int(length)))
        except OutputError as error:
            self._tell(HTTPStatus.INSUFFICIENT_STORAGE, str(error))
        except CcfpseError as error:
            self._tell(HTTPStatus.BAD_REQUEST, str(error))
        else:
            content = json.dumps({"kept": count}).encode()
            self._send(HTTPStatus.OK, "application/json", content)

    def log_message(self, format: str, *args: object) -> None:
        """Requests are nobody's business; kept answers are said by the server."""

    def _tell(self, status: HTTPStatus, sentence: str) -> None:
        self._send(status, "text/plain; charset=utf-8", sentence.encode("utf-8", "backslashreplace"))

    def _send(self, status: HTTPStatus, kind: str, content: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.end_headers()
        for start in range(0, len(content), _PIECE):  # the time limit is that of a piece, not of a large page
            self.wfile.write(content[start : start + _PIECE])
