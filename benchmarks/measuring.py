"""Time and the most memory that a process has held, as the benchmarks of models measure them."""

from __future__ import annotations

import ctypes
import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from transformers import TrainerCallback, TrainerState
from transformers.trainer import DEFAULT_CALLBACKS

_MIB = 1 << 20
_PROC = Path("/proc/self")


def clock(device: torch.device) -> float:
    """Seconds: of the processor on a CPU with one thread, which other work on the machine does not lengthen, else of
    the wall, when the GPU is done."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif torch.get_num_threads() == 1:
        return time.process_time()
    return time.perf_counter()


def reset_peak(device: torch.device) -> None:
    """Let the high-water mark of memory start at what is held now."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    elif (_PROC / "clear_refs").exists():
        ctypes.CDLL(None).malloc_trim(0)  # what glibc keeps of memory that was given back
        (_PROC / "clear_refs").write_text("5")


def peak_mib(device: torch.device) -> float:
    """The high-water mark in MiB: of a GPU what torch took, else resident memory as Linux counts it, else nan.

    Not ru_maxrss, which cannot be put back, and which a child inherits from its parent.
    """
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / _MIB
    if not (_PROC / "status").exists():
        return math.nan
    lines = (_PROC / "status").read_text("utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) / 1024


class Steps(TrainerCallback):
    """What a training's steps took, but for the first, which warms up."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._start = self.seconds = math.nan

    def on_step_end(self, args: Any, state: TrainerState, control: Any, **_: Any) -> None:
        """Start the clock after the first, read it after each other; checkpoints are written later."""
        if state.global_step == 1:
            self._start = clock(self._device)
        self.seconds = clock(self._device) - self._start


@contextmanager
def timed_steps(device: torch.device) -> Iterator[Steps]:
    """Time the training of whatever `transformers.Trainer` is made inside."""
    steps = Steps(device)
    DEFAULT_CALLBACKS.append(steps)
    try:
        yield steps
    finally:
        DEFAULT_CALLBACKS.remove(steps)
