"""A stage of mining, by the answers that it gets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from kdsl.intentions.backends.base import BackendError, Failure, Request
from kdsl.intentions.log import RowLog
from kdsl.intentions.stage import Answer, Work, complete


def refused(requests: Iterable[Request]) -> Iterator[tuple[int, Answer]]:
    """A server that answers nothing."""
    for number, _ in enumerate(requests):
        yield number, Failure("no answer")


def test_a_stage_without_any_answer_is_an_error_and_its_log_says_why(tmp_path: Path) -> None:
    works = [Work((str(number),), "x", lambda: Request("", ())) for number in range(3)]
    with (
        RowLog(tmp_path / "features.jsonl") as log,
        pytest.raises(BackendError, match=r"features: all 3 failed; .*features.jsonl says why"),
    ):
        complete(log, works, refused, "features", len(works))
    assert (tmp_path / "features.jsonl").read_text("utf-8").count("no answer") == 3
