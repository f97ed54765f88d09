"""Waiting for something that comes."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any


def until(met: Callable[[], Any], seconds: float = 1200) -> Any:
    """Wait until something is there, and give it back."""
    end = time.monotonic() + seconds
    while not (found := met()):
        assert time.monotonic() < end, "nothing came"
        time.sleep(0.02)
    return found
