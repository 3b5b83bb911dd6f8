"""Who may ask, and how much: names of this machine, other sites, sizes."""

import io
import socket
import tracemalloc
from collections.abc import Iterator

import numpy as np
import pytest
from PIL import Image

from tests.hostile.bench import TABLE
from tests.painting.servers import Painting, painting, png
from tests.tiny import model_file

LABELS = png(np.full((32, 64), 10, np.uint8))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Painting]:
    path = tmp_path_factory.mktemp("model") / "model.safetensors"
    path.write_bytes(model_file(TABLE))
    with painting(path, names=["paint.example"]) as found:
        yield found


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:{port}", 200),
        ("localhost:{port}", 200),
        ("[::1]:{port}", 200),
        ("192.168.1.5:8000", 200),
        ("paint.example", 200),
        ("PAINT.example:443", 200),
        ("evil.example:{port}", 421),
        ("127.0.0.1.evil.example", 421),
        ("localhost.evil.example", 421),
        ("paint.example@evil.example", 421),
        ("[::1", 421),
        ("", 421),
    ],
)
def test_requests_call_this_machine_by_its_own_name(server: Painting, host: str, status: int) -> None:
    for path in ("/", "/api/model", "/openapi.json"):
        answer = server.get(path, Host=host.format(port=server.port))
        assert answer.status == status
    if status == 421:
        assert "--allow-host" in answer.said


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Origin": "http://127.0.0.1:{port}"}, 200),
        ({"Origin": "http://127.0.0.1:{port}", "Sec-Fetch-Site": "same-origin"}, 200),
        ({"Origin": "https://paint.example", "Host": "paint.example"}, 200),
        ({"Origin": "http://127.0.0.1:1"}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://["}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
    ],
    ids=str,
)
def test_pages_of_other_sites_may_not_ask(server: Painting, headers: dict[str, str], status: int) -> None:
    sent = {name: value.format(port=server.port) for name, value in headers.items()}
    for path, fields in (
        ("synthesize", {"labels": LABELS}),
        ("open", {"file": LABELS}),
        ("label", {"labels": png(np.zeros((2, 2), np.uint8)), "kind": "ids"}),
    ):
        answer = server.post(f"/api/{path}", sent, **fields)
        assert answer.status == status
        if status == 403:
            assert answer.said == "a page of another site may not use this server"


def test_a_link_elsewhere_opens_the_page_but_nothing_is_computed_for_it(server: Painting) -> None:
    for path, status in (("/", 200), ("/reference", 200), ("/api/layouts/0", 403), ("/api/model", 403)):
        assert server.get(path, Sec_Fetch_Site="cross-site").status == status


def test_what_is_too_much_is_refused_before_it_is_read(server: Painting) -> None:
    answer = server.ask("POST", "/api/open", b"x", Content_Length=str(2**25 + 1))
    assert (answer.status, answer.said) == (413, "a request has at most 32 MiB; reduce the picture")


def test_a_request_has_to_say_how_long_it_is(server: Painting) -> None:
    answer = server.ask("POST", "/api/open", Transfer_Encoding="chunked")
    assert answer.status == 413
    assert "Content-Length" in answer.said


def test_a_length_that_is_not_the_request_s_is_refused(server: Painting) -> None:
    with socket.create_connection(("127.0.0.1", server.port)) as sender:
        sender.sendall(
            b"POST /api/open HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n"
        )
        assert sender.recv(100).startswith(b"HTTP/1.1 413")


def test_a_huge_map_of_few_bytes_takes_little_memory(server: Painting) -> None:
    map_ = io.BytesIO()
    Image.new("RGB", (2**13, 2**13), tuple(server.model.class_table.palette()[0].tolist())).save(map_, "PNG")
    tracemalloc.start()
    try:
        answer = server.post("/api/open", file=map_.getvalue())
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert answer.status == 200
    assert peak < 6e8


def test_a_small_file_of_many_pixels_is_not_decoded(server: Painting) -> None:
    bomb = png(np.zeros((2**13, 2**13 + 1), np.uint8))
    assert len(bomb) < 2**17
    answer = server.post("/api/open", file=bomb)
    assert answer.status == 400
    assert "more than 67108864; reduce it" in answer.said


def test_every_answer_forbids_what_the_page_does_not_need(server: Painting) -> None:
    for path in ("/", "/page/main.js", "/api/model", "/nothing"):
        headers = server.get(path).headers
        policy = headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; script-src 'self'; ")
        assert "unsafe" not in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cross-origin-resource-policy"] == "same-origin"
        assert "access-control-allow-origin" not in {name.lower() for name in headers}


def test_only_the_page_s_own_files_are_served(server: Painting) -> None:
    assert server.get("/page/main.js").headers["content-type"].startswith("text/javascript")
    for path in ("/page/../app.py", "/page/%2e%2e/app.py", "/page//etc/passwd", "/page/", "/app.py"):
        assert server.get(path).status == 404
