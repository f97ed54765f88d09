"""Cells of an ablation one after another, or in several processes, of which any may die.

What is imported here is light, since each process imports it before it knows what it is to do.
"""

from __future__ import annotations

import logging
import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from typing import Any, TypeVar

from kdsl.child_processes import process_pool
from kdsl.progress import show_messages

Cell = TypeVar("Cell")


def run_cells(
    attempt: Callable[..., str | None], cells: Sequence[tuple[Cell, tuple[Any, ...]]], jobs: int, level: int
) -> Iterator[tuple[Cell, str | None]]:
    """Run cells and yield each when it is done, with its error if it failed.

    Args:
        attempt: runs a cell, which it is given with its arguments; returns the error, if there is one.
        cells: each with its arguments.
        jobs: number of processes; one is this process.
        level: that of the messages that the processes show.
    """
    if jobs == 1:
        for cell, arguments in cells:
            yield cell, attempt(cell, *arguments)
        return
    # read by OpenMP and BLAS when a child process starts; a user's own setting takes precedence
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // jobs)))
    waiting = deque(cells)
    while waiting:  # repeated if a process died, which breaks a pool
        running: dict[Future[str | None], tuple[Cell, tuple[Any, ...]]] = {}
        with suppress(BrokenProcessPool), process_pool(jobs, _start_child, (level,)) as pool:
            while waiting or running:
                while waiting and len(running) < jobs:
                    cell, arguments = waiting[0]
                    future = pool.submit(attempt, cell, *arguments)
                    running[future] = waiting.popleft()
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    fault = future.result()
                    yield running.pop(future)[0], fault
        for cell, arguments in running.values():  # it is unknown whose process died: try each one again, alone
            with process_pool(1, _start_child, (level,)) as pool:
                try:
                    yield cell, pool.submit(attempt, cell, *arguments).result()
                except BrokenProcessPool:
                    yield cell, "its process died: killed, or out of memory?"


def _start_child(level: int) -> None:
    os.environ["TTY_COMPATIBLE"] = "0"  # rich: progress bars of several processes would overwrite each other
    if level <= logging.INFO:  # as the command line sets it: a child shows what its parent shows
        show_messages(level)
