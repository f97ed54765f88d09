"""What `accelerate launch` runs in tests: kdsl's command line, which may be killed, or told that its CPU is a GPU.

KILL_AT   the optimizer step at which the second process is killed
AS_GPU    accelerate offers FSDP and DeepSpeed on GPUs alone; gloo and torch's FSDP2 work on CPUs as well
"""

from __future__ import annotations

import os
import signal
from typing import Any

import torch
from accelerate import PartialState
from accelerate.state import DistributedType
from torch import distributed
from transformers import TrainerCallback

from kdsl.cli.main import main
from kdsl.training import trainer


class Kill(TrainerCallback):
    """Kills a process as the machine's owner would, with no chance to clear up."""

    def on_step_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if args.process_index == 1 and state.global_step == int(os.environ["KILL_AT"]):
            os.kill(os.getpid(), signal.SIGKILL)


if "KILL_AT" in os.environ:
    made = trainer.LabelTrainer.__init__

    def with_kill(self: Any, *args: Any, **kwargs: Any) -> None:
        made(self, *args, **kwargs)
        self.add_callback(Kill())

    trainer.LabelTrainer.__init__ = with_kill  # type: ignore[method-assign]
if "AS_GPU" in os.environ:
    distributed.init_process_group("gloo")
    PartialState._prepare_backend = lambda *args, **kwargs: ("gloo", DistributedType.MULTI_GPU)
    PartialState.set_device = lambda state: setattr(state, "device", torch.device("cpu"))
main()
