"""A painting server in a thread of this process, and requests to it."""

import contextlib
import dataclasses
import http.client
import io
import json
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import ccfpse
from ccfpse.model import Model
from ccfpse.painting.queueing import WorkQueue
from ccfpse.painting.samples import offered
from ccfpse.painting.serve import listen, serving
from ccfpse.painting.studio import Studio

BOUNDARY = "parts-of-the-form"


@dataclasses.dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    content: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.content)

    @property
    def said(self) -> str:
        """The sentence of a refusal."""
        sentence: str = self.json["detail"]
        return sentence

    @property
    def pixels(self) -> np.ndarray:
        return np.asarray(Image.open(io.BytesIO(self.content)))


@dataclasses.dataclass(frozen=True)
class Painting:
    """A server that runs."""

    port: int
    model: Model
    studio: Studio

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    def ask(self, method: str, path: str, body: bytes | None = None, **headers: str) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=300)
        try:
            names = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, path, body, names)
            response = connection.getresponse()
            return Answer(response.status, dict(response.getheaders()), response.read())
        finally:
            connection.close()

    def get(self, path: str, **headers: str) -> Answer:
        return self.ask("GET", path, **headers)

    def post(self, path: str, headers: Mapping[str, str] | None = None, **fields: Any) -> Answer:
        """A form; bytes are sent as files."""
        kind = f"multipart/form-data; boundary={BOUNDARY}"
        return self.ask("POST", path, form(fields), Content_Type=kind, **(headers or {}))


def form(fields: Mapping[str, Any]) -> bytes:
    lines = []
    for name, value in fields.items():
        file = f'; filename="{name}.png"' if isinstance(value, bytes) else ""
        head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"{file}\r\n\r\n'
        lines.append(head.encode() + (value if isinstance(value, bytes) else str(value).encode()) + b"\r\n")
    return b"".join(lines) + f"--{BOUNDARY}--\r\n".encode()


@contextlib.contextmanager
def painting(path: Path, *, queue_length: int = 32, **options: Any) -> Iterator[Painting]:
    model = ccfpse.load(path, device="cpu")
    studio = Studio(model, offered(model.class_table, model.size, options.pop("sources", None)))
    options = {"names": [], "api_only": False} | options
    with listen("127.0.0.1", 0) as heard, serving(studio, queue_length=queue_length, **options) as server:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [heard]}, daemon=True)
        thread.start()
        while not server.started:
            assert thread.is_alive()
            time.sleep(0.01)
        try:
            yield Painting(heard.getsockname()[1], model, studio)
        finally:
            server.should_exit = True
            thread.join()


def queued(monkeypatch: pytest.MonkeyPatch) -> list[Future[Any]]:
    """What queues accept from now on, growing as they do."""
    accepted, real = [], WorkQueue.submit

    def submit(*arguments: Any, **options: Any) -> Future[Any]:
        future = real(*arguments, **options)
        accepted.append(future)
        return future

    monkeypatch.setattr(WorkQueue, "submit", submit)
    return accepted


def png(values: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(values).save(file, "PNG")
    return file.getvalue()
