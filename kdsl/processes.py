"""Processes that train together under `accelerate launch`: which one this is, and what the main one does for all.

The launcher says so by environment variables. torch and accelerate are loaded where processes talk to each other,
and not before.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, TypeVar

from kdsl.errors import ConfigError, KdslError

Result = TypeVar("Result")

_PATIENCE = timedelta(hours=6)
"""How long a process waits for the others: as long as the main one may read pictures. A process that died ends the
launch at once; this is for a peer that is gone without a word."""


def world_size() -> int:
    """Processes of the launch, on all machines; 1 without a launch."""
    return int(os.environ.get("WORLD_SIZE", "1")) if "LOCAL_RANK" in os.environ else 1


def rank() -> int:
    """This process's number on all machines; 0 is the main one, which writes and speaks."""
    return int(os.environ.get("RANK", "0")) if world_size() > 1 else 0


def is_main() -> bool:
    """Whether this process writes and speaks; true without a launch."""
    return rank() == 0


def method() -> str:
    """How the launch divides a training: `ddp`, `fsdp`, `zero1`, `zero2` or `zero3`.

    Raises:
        ConfigError: the launch asks for FSDP of version 1.
    """
    if _flag("ACCELERATE_USE_FSDP"):
        if os.environ.get("FSDP_VERSION", "1") != "2":
            raise ConfigError(
                "kdsl trains under FSDP of version 2: write fsdp_version: 2, as configs/accelerate/fsdp.yaml."
            )
        return "fsdp"
    if _flag("ACCELERATE_USE_DEEPSPEED"):
        from accelerate.utils import DeepSpeedPlugin

        return f"zero{DeepSpeedPlugin().zero_stage}"
    return "ddp"


def shards_weights() -> bool:
    """Whether each process holds a part of the model alone while it trains (FSDP, ZeRO-3)."""
    return method() in ("fsdp", "zero3")


def join() -> Any:
    """The accelerate.PartialState of this process, which meets the others at the first call and takes its own GPU."""
    import torch
    from accelerate import PartialState

    return PartialState(cpu=_flag("ACCELERATE_USE_CPU") or not torch.cuda.is_available(), timeout=_PATIENCE)


def spare_gpus() -> int:
    """GPUs that torch sees and a training without a launch leaves idle."""
    import torch

    return max(0, torch.cuda.device_count() - 1) if world_size() == 1 else 0


@contextmanager
def main_first() -> Iterator[None]:
    """The main process of each machine runs the block before its others, which find in the cache what it wrote."""
    if world_size() == 1:
        yield
        return
    with join().local_main_process_first():
        yield


def on_main(do: Callable[[], Result]) -> Result:
    """Let the main process alone do something while the others wait; every process gets its result.

    Where it raises a KdslError, the others leave with that error's exit code and say nothing.
    """
    if world_size() == 1:
        return do()
    import torch.distributed

    join()
    box: list[Any] = [None, None]
    if is_main():
        try:
            box[0] = do()
        except KdslError as error:  # any other ends this process, and with it the launch
            torch.distributed.broadcast_object_list([None, error.exit_code])
            raise
    torch.distributed.broadcast_object_list(box)
    if box[1] is not None:
        raise SystemExit(box[1])
    result: Result = box[0]
    return result


def _flag(name: str) -> bool:
    return os.environ.get(name, "false").lower() in ("1", "true", "yes")
