"""Disks that are full, and processes beside the tests that find their helpers."""

from __future__ import annotations

import os
import resource
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]


@pytest.fixture
def quota(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[int], None]]:
    """Let files of this process have so many bytes at most: a disk that is full, for a user as for root."""
    monkeypatch.setattr(sys, "dont_write_bytecode", True)  # Python 3.11 leaves such a file cut off for all that follow
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # then a write fails with EFBIG
    yield lambda size: resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    resource.setrlimit(resource.RLIMIT_FSIZE, before)
    signal.signal(signal.SIGXFSZ, handler)


def own_environment() -> dict[str, str]:
    """The environment of a process that imports kdsl and the tests' helpers."""
    return os.environ | {"PYTHONPATH": os.pathsep.join([str(TESTS), str(TESTS.parent)])}
