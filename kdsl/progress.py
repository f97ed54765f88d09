"""Talk to the person at the terminal: everything here goes to stderr, results go to stdout.

Of several processes that train together, the main one alone speaks.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

from kdsl.processes import is_main

Item = TypeVar("Item")

_STARTED = time.monotonic()


def say(message: str) -> None:
    """One line with the minutes and seconds since the start."""
    if not is_main():
        return
    from rich.console import Console
    from rich.markup import escape

    minutes, seconds = divmod(int(time.monotonic() - _STARTED), 60)
    Console(stderr=True, highlight=False, soft_wrap=True).print(f"[dim]{minutes:3d}:{seconds:02d}[/] {escape(message)}")


def track(items: Iterable[Item], what: str, total: int) -> Iterator[Item]:
    """Go through items with a bar that shows count and time left; silent where stderr is no terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    console = Console(stderr=True)
    with Progress(*columns, console=console, disable=not (console.is_terminal and is_main())) as progress:
        yield from progress.track(items, total=total, description=what)


def show(renderable: Any) -> None:
    """Print a result (a rich table or text) to stdout."""
    from rich.console import Console

    Console().print(renderable)
