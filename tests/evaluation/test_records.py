from pathlib import Path

import numpy as np
import pytest

from ccfpse.evaluation.records import Records


@pytest.fixture
def rows() -> np.ndarray:
    return np.arange(480.0).reshape(160, 3)


@pytest.fixture
def records(tmp_path: Path, rows: np.ndarray) -> Records:
    records = Records(tmp_path / "records", 160)
    for part in records.missing():
        records.write(part, {"a": rows[part.start : part.stop]})
    return records


def test_columns_come_back_whole_in_parts_and_by_rows(records: Records, rows: np.ndarray) -> None:
    assert records.missing() == []
    np.testing.assert_array_equal(records.column("a"), rows)
    np.testing.assert_array_equal(np.concatenate(list(records.stream("a"))), rows)
    np.testing.assert_array_equal(records.rows("a", [0, 63, 64, 159]), rows[[0, 63, 64, 159]])
    assert records.names() == ("a",)


def test_what_is_there_is_not_missing_and_what_is_damaged_is(records: Records, tmp_path: Path) -> None:
    files = sorted((tmp_path / "records").iterdir())
    assert len(files) == 3
    files[0].unlink()
    files[2].write_bytes(files[2].read_bytes()[:-30])
    assert Records(tmp_path / "records", 160).missing() == [range(64), range(128, 160)]


@pytest.mark.filterwarnings("ignore:invalid escape sequence")  # in a name, as NumPy reads it
def test_a_bit_turned_over_anywhere_is_noticed_or_changes_nothing(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    columns = {name: rng.integers(0, 256, (64, 96), np.uint8) for name in ("a", "b")}
    records = Records(tmp_path / "records", 64)
    records.write(range(64), columns)
    (file,) = (tmp_path / "records").iterdir()
    whole = file.read_bytes()
    # All of headers and directory; of the numbers, which checksums stand for, some.
    places = [*range(400), *range(400, len(whole) - 400, 97), *range(len(whole) - 400, len(whole))]
    n_noticed = 0
    for bit in (bit for place in places for bit in range(8 * place, 8 * place + 8)):
        content = bytearray(whole)
        content[bit // 8] ^= 1 << bit % 8
        file.write_bytes(content)
        if records.missing():
            n_noticed += 1
            continue
        for name, column in columns.items():
            np.testing.assert_array_equal(records.column(name), column)
    assert n_noticed > 4 * len(places)


def test_a_byte_turned_over_is_noticed(records: Records, tmp_path: Path) -> None:
    file = sorted((tmp_path / "records").iterdir())[1]
    content = bytearray(file.read_bytes())
    content[60] ^= 1
    file.write_bytes(content)
    assert records.missing() == [range(64, 128)]
