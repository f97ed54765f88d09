"""Processes that a command starts on its own machine: they end with it, and do not quarrel over cores."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import parent_process
from multiprocessing.context import SpawnContext, SpawnProcess
from types import ModuleType
from typing import Any

_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class _Process(SpawnProcess):
    """A process that does not run the user's script a second time, as one of `spawn` does to find what was pickled.

    What kdsl hands to its processes stands in modules of kdsl. So a script needs no `if __name__ == "__main__":`.
    """

    _starting = threading.Lock()

    @staticmethod
    def _Popen(process_obj: Any) -> Any:
        with _Process._starting:
            script = sys.modules["__main__"]
            sys.modules["__main__"] = ModuleType("__main__")  # names no file and no module to import
            try:
                return SpawnProcess._Popen(process_obj)
            finally:
                sys.modules["__main__"] = script


class _Context(SpawnContext):
    Process = _Process


def process_pool(
    count: int, start: Callable[..., object] | None = None, args: tuple[Any, ...] = ()
) -> ProcessPoolExecutor:
    """A pool of `count` fresh processes, which are started when there is work.

    Args:
        start: is called with `args` in each of them first; it and all functions that are submitted are kdsl's own.
    """
    return ProcessPoolExecutor(count, _Context(), start, args)


def end_with_parent() -> None:
    """Let this process, which `multiprocessing` started, end as soon as its parent has ended, however that ended."""
    parent = parent_process()
    assert parent is not None

    def follow() -> None:
        parent.join()
        os._exit(0)

    threading.Thread(target=follow, daemon=True).start()


@contextmanager
def threads_each(count: int) -> Iterator[None]:
    """Processes that are started within the block compute with this many threads each."""
    before = {name: os.environ.get(name) for name in _THREADS}
    os.environ.update(dict.fromkeys(_THREADS, str(count)))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
