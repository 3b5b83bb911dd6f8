"""Who goes away before the answer: the work is not done, and the next is."""

import socket
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.painting.servers import BOUNDARY, form, painting, png, queued
from tests.waiting import until


def test_what_nobody_waits_for_is_not_computed(
    make_model: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    go, begun = threading.Event(), []
    with painting(make_model()) as server:
        real = server.studio.photo

        def photo(*arguments: object) -> bytes:
            begun.append(arguments)
            assert go.wait(30)
            return real(*arguments)

        monkeypatch.setattr(server.studio, "photo", photo)
        accepted = queued(monkeypatch)
        body = form({"labels": png(np.zeros((32, 64), np.uint8)), "coding": "classes"})
        head = (
            f"POST /api/synthesize HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n"
            f"Content-Type: multipart/form-data; boundary={BOUNDARY}\r\n\r\n"
        )
        staying, leaving = (socket.create_connection(("127.0.0.1", server.port)) for _ in range(2))
        staying.sendall(head.encode() + body)
        until(lambda: begun)
        leaving.sendall(head.encode() + body)
        until(lambda: len(accepted) == 2)  # it waits behind the first
        leaving.close()
        until(accepted[1].cancelled)
        go.set()
        assert staying.recv(100).startswith(b"HTTP/1.1 200")
        staying.close()
        assert server.get("/api/model").status == 200
    assert len(begun) == 1
