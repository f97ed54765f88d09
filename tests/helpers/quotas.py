"""Disks that are full, and processes beside the tests that find their helpers."""

from __future__ import annotations

import os
import resource
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]


@pytest.fixture
def quota() -> Iterator[Callable[[int], None]]:
    """Let files of this process have so many bytes at most: a disk that is full, for a user as for root."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # then a write fails with EFBIG
    yield lambda size: resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    resource.setrlimit(resource.RLIMIT_FSIZE, before)
    signal.signal(signal.SIGXFSZ, handler)


def own_environment() -> dict[str, str]:
    """The environment of a process that imports kdsl and the tests' helpers."""
    return os.environ | {"PYTHONPATH": os.pathsep.join([str(TESTS), str(TESTS.parent)])}
