"""The server: the page, and answers of many raters at once."""

import concurrent.futures
import contextlib
import http.client
import threading
from collections.abc import Iterator

import pytest

from ccfpse.errors import DataError, OutputError
from ccfpse.study.key import PAGE
from ccfpse.study.serve import ANSWERS, StudyServer, kept_answers
from ccfpse.study.tally import tally
from tests.study.answering import answer, encoded, prefers
from tests.study.photos import Folders


@contextlib.contextmanager
def serving(folders: Folders) -> Iterator[StudyServer]:
    with StudyServer(folders.out, ("127.0.0.1", 0), lambda text: None) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def request(server: StudyServer, method: str, path: str, body: bytes | None = None) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    try:
        connection.request(method, path, body)
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def test_the_page_is_served_and_nothing_else(folders: Folders) -> None:
    folders.make()
    with serving(folders) as server:
        assert request(server, "GET", "/") == (200, (folders.out / PAGE).read_bytes())
        for path in ("/key.json", "/../key.json", "/page/index.html", "/answers"):
            assert request(server, "GET", path)[0] == 404


def test_many_raters_at_once_lose_nothing(folders: Folders) -> None:
    key = folders.make(checks=2)
    raters = [f"{number:024x}" for number in range(20)]

    def rate(number: int) -> list[int]:
        whole = answer(key, raters[number], prefers("a" if number % 2 else "b"))
        counts = [*range(1, len(whole["answers"]) + 1), 1]  # the last arrives late
        parts = [whole | {"answers": whole["answers"][:count], "revision": count} for count in counts]
        return [request(server, "POST", "/answers", encoded(part))[0] for part in parts]

    with serving(folders) as server, concurrent.futures.ThreadPoolExecutor(20) as pool:
        statuses = list(pool.map(rate, range(20)))
    assert {status for of_rater in statuses for status in of_rater} == {200}
    files = sorted((folders.out / ANSWERS).iterdir())
    assert [path.stem for path in files] == raters
    found = tally(key, files)
    assert found.everyone.answers == 20 * 6
    assert found.everyone.share == 0.5
    assert [rater.failed for rater in found.raters] == [0] * 20


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"{", 400), (b"", 400), (b'{"format": 1}', 400)],
    ids=["damaged", "empty", "incomplete"],
)
def test_what_is_no_answer_is_refused_and_not_kept(folders: Folders, body: bytes, status: int) -> None:
    folders.make()
    with serving(folders) as server:
        assert request(server, "POST", "/answers", body)[0] == status
        assert request(server, "POST", "/elsewhere", body)[0] == 400
    assert not (folders.out / ANSWERS).exists()


def test_an_answer_taken_back_is_gone(folders: Folders) -> None:
    key = folders.make(checks=0)
    whole = answer(key, "a" * 24, prefers("a"))
    with serving(folders) as server:
        for revision, count in ((1, 3), (2, 2)):
            part = whole | {"answers": whole["answers"][:count], "revision": revision}
            assert request(server, "POST", "/answers", encoded(part))[0] == 200
    assert tally(key, kept_answers(folders.out)).everyone.answers == 2


def test_a_file_that_was_being_written_is_none(folders: Folders) -> None:
    key = folders.make(checks=0)
    with serving(folders) as server:
        request(server, "POST", "/answers", encoded(answer(key, "a" * 24, prefers("a"))))
    (folders.out / ANSWERS / f".{'b' * 24}.json.12.tmp.json").write_bytes(b"{")
    assert [path.name for path in kept_answers(folders.out)] == [f"{'a' * 24}.json"]


def test_a_rater_of_another_study_is_told(folders: Folders) -> None:
    key = folders.make()
    foreign = answer(key, "a" * 24, prefers("a")) | {"study": "0" * 16}
    with serving(folders) as server:
        status, said = request(server, "POST", "/answers", encoded(foreign))
    assert (status, b"another study" in said) == (400, True)


def test_what_cannot_be_written_is_not_acknowledged(folders: Folders) -> None:
    key = folders.make()
    (folders.out / ANSWERS).write_text("a file where the folder should be")
    with serving(folders) as server:
        status, _ = request(server, "POST", "/answers", encoded(answer(key, "a" * 24, prefers("a"))))
    assert status == 507


def test_a_folder_without_a_study_and_a_taken_port_are_refused(folders: Folders) -> None:
    with pytest.raises(DataError, match="give the folder that `ccfpse study make` wrote"):
        StudyServer(folders.a, ("127.0.0.1", 0), print)
    folders.make()
    with serving(folders) as server, pytest.raises(OutputError, match="cannot be served"):
        StudyServer(folders.out, ("127.0.0.1", server.port), print)
