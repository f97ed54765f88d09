"""Distributed training under `accelerate launch`: rank, world size, and work that only the main process does.

The launcher sets environment variables, which are read here. torch and accelerate are imported only when processes
have to communicate.
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
"""Timeout of collective operations: the main process may read pictures for hours while the others wait. A process
that fails ends the launch at once; the timeout is for one that hangs or disappears."""


def world_size() -> int:
    """Number of processes of the launch, on all machines; 1 without a launch."""
    return int(os.environ.get("WORLD_SIZE", "1")) if "LOCAL_RANK" in os.environ else 1


def rank() -> int:
    """Global rank of this process; 0 is the main process, which writes files and logs."""
    return int(os.environ.get("RANK", "0")) if world_size() > 1 else 0


def is_main() -> bool:
    """Whether this is the main process; true without a launch."""
    return rank() == 0


def method() -> str:
    """How the launch distributes training: `ddp`, `fsdp`, `zero1`, `zero2` or `zero3`.

    Raises:
        ConfigError: the launch asks for FSDP version 1.
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
    """Whether each process holds only a shard of the weights during training (FSDP, ZeRO-3)."""
    return method() in ("fsdp", "zero3")


def join() -> Any:
    """The `accelerate.PartialState` of this process; the first call joins the process group and selects the GPU."""
    import torch
    from accelerate import PartialState

    return PartialState(cpu=_flag("ACCELERATE_USE_CPU") or not torch.cuda.is_available(), timeout=_PATIENCE)


def spare_gpus() -> int:
    """Number of visible GPUs that stay idle when training runs without a launch."""
    import torch

    return max(0, torch.cuda.device_count() - 1) if world_size() == 1 else 0


@contextmanager
def main_first() -> Iterator[None]:
    """Run the block first in the main process of each machine; its other processes then find the results cached."""
    if world_size() == 1:
        yield
        return
    with join().local_main_process_first():
        yield


def on_main(do: Callable[[], Result]) -> Result:
    """Run `do` only in the main process while the others wait; every process gets the result.

    If it raises a KdslError, the others exit with that error's exit code and no message.
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
