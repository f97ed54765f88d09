"""The log of a stage: what a kill leaves is read as what was whole, and the last row of a key counts."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kdsl.errors import InputError
from kdsl.intentions.log import RowLog


def test_the_last_row_of_a_key_counts(tmp_path: Path) -> None:
    with RowLog(tmp_path / "log.jsonl") as log:
        log.append(("a", "b"), text="一")
        log.append(("a", "c"), failed="no")
        log.append(("a", "b"), text="二\n行")
        assert log.get(("a", "b")) == {"key": ["a", "b"], "text": "二\n行"}
    with RowLog(tmp_path / "log.jsonl") as log:
        assert log.get(("a", "b")) == {"key": ["a", "b"], "text": "二\n行"}
        assert log.get(("a", "c")) == {"key": ["a", "c"], "failed": "no"}
        assert log.get(("b", "a")) is None


@given(st.data())
def test_a_log_cut_anywhere_keeps_all_whole_rows(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    path = tmp_path_factory.mktemp("log") / "log.jsonl"
    with RowLog(path) as log:
        for number in range(4):
            log.append((str(number),), text="锅" * number)
    content = path.read_bytes()
    cut = data.draw(st.integers(0, len(content)))
    path.write_bytes(content[:cut])
    whole = content[:cut].count(b"\n")
    with RowLog(path) as log:
        assert [(str(number),) in log for number in range(4)] == [number < whole for number in range(4)]
        log.append(("9",), text="after")
    with RowLog(path) as log:
        assert log.get(("9",)) == {"key": ["9"], "text": "after"}
        assert len(path.read_bytes().splitlines()) == whole + 1


def test_another_file_is_not_written_to(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    path.write_text('{"id": 1}\n{"id": 2}\n', "utf-8")
    with pytest.raises(InputError, match="line 1: is no row of this log"):
        RowLog(path)
    assert path.read_text("utf-8") == '{"id": 1}\n{"id": 2}\n'
