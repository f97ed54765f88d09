"""`complete`: one stage of mining: asks for what its log lacks, and writes each answer as it comes."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from rich.progress import BarColumn, MofNCompleteColumn

from kdsl.errors import InputError
from kdsl.intentions.backends.base import Failure, Request, Scores, Written
from kdsl.intentions.log import Key, RowLog
from kdsl.progress import bar

_messages = logging.getLogger(__name__)

Answer = Written | Scores | Failure
Ask = Callable[[Iterable[Request]], Iterator[tuple[int, Answer]]]


@dataclass(frozen=True, slots=True)
class Work:
    """One thing to be asked, made only when its turn comes."""

    key: Key
    of: str
    """A digest of all that the answer depends on: an answer to something else under the same key does not count."""
    make: Callable[[], Request]
    """The request; an InputError that it raises is this work's failure."""


def complete(log: RowLog, works: Iterable[Work], ask: Ask, what: str, total: int) -> int:
    """Ask for all works that the log has no answer to, those that failed before among them; returns how many failed.

    Args:
        ask: takes requests as it needs them, and gives each answer with the request's number, in any order.
        what: name of the stage, for the progress bar.
        total: number of works.

    Raises:
        BackendError: the model cannot go on; what is done is in the log.
    """
    asked: dict[int, Work] = {}
    failed = 0
    with bar(BarColumn(), MofNCompleteColumn()) as progress:
        task = progress.add_task(what, total=total)

        def requests() -> Iterator[Request]:
            nonlocal failed
            number = 0
            for work in works:
                if is_done(log, work):
                    progress.advance(task)
                    continue
                try:
                    request = work.make()
                except InputError as error:
                    log.append(work.key, of=work.of, failed=str(error))
                    failed += 1
                    progress.advance(task)
                    continue
                asked[number] = work
                number += 1
                yield request

        for number, answer in ask(requests()):
            work = asked.pop(number)
            log.append(work.key, of=work.of, **_values(answer))
            failed += isinstance(answer, Failure)
            progress.advance(task)
    if failed:
        _messages.warning(
            "%s: %d of %d failed; %s says why. The same command tries them again", what, failed, total, log.path
        )
    return failed


def is_done(log: RowLog, work: Work) -> bool:
    """Whether the log has an answer to this work."""
    row = log.get(work.key)
    return row is not None and row["of"] == work.of and "failed" not in row


def _values(answer: Answer) -> dict[str, Any]:
    """What the log keeps of an answer."""
    if isinstance(answer, Failure):
        return {"failed": answer.reason}
    tokens = {"read": answer.usage.read, "written": answer.usage.written}
    if isinstance(answer, Written):
        return {"text": answer.text, **tokens}
    return {"log_probs": list(answer.log_probs), **tokens}
