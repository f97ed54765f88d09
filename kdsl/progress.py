"""Terminal output: log messages and progress bars on stderr, results on stdout.

The library logs to `logging.getLogger("kdsl...")` and prints nothing. The command line calls `show_messages`; in
distributed training only the main process then writes. User text (labels, file names) is printed unchanged: rich's
markup and emoji codes are off everywhere.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from kdsl.processes import is_main

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress, ProgressColumn

Item = TypeVar("Item")

log = logging.getLogger("kdsl")

SAID_EVERY = 60.0
"""Seconds between two messages of work whose bar is not shown."""


class _Terminal(logging.Handler):
    """Writes each message to stderr, prefixed with the minutes and seconds since the start."""

    def emit(self, record: logging.LogRecord) -> None:
        from rich.text import Text

        if not is_main():
            return
        try:
            minutes, seconds = divmod(int(record.relativeCreated / 1000), 60)
            warning = "warning: " if record.levelno >= logging.WARNING else ""
            line = Text.assemble((f"{minutes:3d}:{seconds:02d}", "dim"), f" {warning}{record.getMessage()}")
            _console(stderr=True).print(line, soft_wrap=True)
        except Exception:  # as logging's own handlers do: a message that cannot be written must not end the run
            self.handleError(record)


def show_messages(level: int = logging.INFO) -> None:
    """Write kdsl's messages of at least this level to stderr; a further call only changes the level."""
    log.setLevel(level)
    if not any(isinstance(handler, _Terminal) for handler in log.handlers):
        log.addHandler(_Terminal())


def say(message: str) -> None:
    """Log a message at level INFO."""
    log.info("%s", message)


def bar(*columns: str | ProgressColumn) -> Progress:
    """A progress bar on stderr: the task's description, then `columns`, then the time left.

    It is shown only on a terminal, by the main process, when `show_messages` shows INFO.
    """
    from rich.progress import Progress, TextColumn, TimeRemainingColumn

    name, console = TextColumn("{task.description}", markup=False), _console(stderr=True)
    shown = console.is_terminal and is_main() and log.isEnabledFor(logging.INFO)
    return Progress(name, *columns, TimeRemainingColumn(), console=console, disable=not shown)


def track(items: Iterable[Item], what: str, total: int) -> Iterator[Item]:
    """Iterate with a progress bar that counts the items."""
    from rich.progress import BarColumn, MofNCompleteColumn

    with bar(BarColumn(), MofNCompleteColumn()) as progress:
        yield from progress.track(items, total=total, description=what)


@contextmanager
def counted(what: str, total: int | None) -> Iterator[Callable[[int], None]]:
    """A progress bar for work that tells how far it is; where nobody sees the bar, a message now and then.

    Args:
        total: about how many there are; None where that is not known.
    """
    from rich.progress import BarColumn, MofNCompleteColumn

    began: tuple[int, float] | None = None  # with the first that are done: before them, models are loaded
    said = 0.0
    with bar(BarColumn(), MofNCompleteColumn()) as progress:
        task = progress.add_task(what, total=total)

        def count(done: int) -> None:
            nonlocal began, said
            progress.update(task, completed=done, total=None if total is None else max(total, done))
            now = time.monotonic()
            if began is None:
                began, said = (done, now), now
            if progress.disable and now - said > SAID_EVERY and done > began[0]:
                said = now
                rate = (done - began[0]) / (now - began[1])
                left = f", about {(total - done) / rate / 60:.0f} min left" if total and total > done else ""
                of = f" of about {total:,}" if total else ""
                say(f"{what}: {done:,}{of}, {rate:,.0f} per second{left}")

        yield count


@contextmanager
def no_bars_of_transformers() -> Iterator[None]:
    """Let transformers load weights without bars of its own, which stand among kdsl's messages."""
    from transformers.utils import logging as theirs

    shown = theirs.is_progress_bar_enabled()
    theirs.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            theirs.enable_progress_bar()


def show(*renderables: Any) -> None:
    """Print results (rich tables, or plain text) to stdout."""
    for renderable in renderables:
        _console().print(renderable)


def _console(*, stderr: bool = False) -> Console:
    from rich.console import Console

    return Console(stderr=stderr, markup=False, emoji=False, highlight=False)
