"""The folder of an adapter, while it is trained and when it is finished.

OUT/adapter_config.json, adapter_model.safetensors    PEFT's, of regime `lora`
OUT/delta.safetensors                                 instead of these: the trained weights of `freeze` and `full`
OUT/label_shift.json                                  where `training.logit_adjustment` asks for it
OUT/kdsl_base.json                                    the base it belongs to
OUT/loss.jsonl                                        the loss of every step
OUT/manifest.json                                     written last: a folder without it is unfinished
OUT/halves/<epoch>/                                   where asked for: the adapter as it was then, in the same form
OUT/stages/<task>/                                    with strategy `sequence`, while training goes on: what came first
OUT/inputs.json, OUT/checkpoints/                     while training goes on
OUT/logs/                                             TensorBoard's, where a training reports to it
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kdsl.errors import BundleError
from kdsl.files import write_jsonl
from kdsl.models.adapters import stamp_adapter
from kdsl.models.base import LoadedModel
from kdsl.processes import rank
from kdsl.runs import check_inputs, claim, read_manifest, write_manifest

SCHEMA = 2
LOGS = "logs"
"""Where in an adapter's folder TensorBoard's files lie."""
_CURVE = ("step", "epoch", "loss", "grad_norm", "learning_rate")
_ADVICE = "Give another folder, or delete this one to train anew."


@dataclass(frozen=True)
class Run:
    """Where a training writes, and what it does besides; nothing of it changes what is learned.

    `resume` False discards what an unfinished training left in `out`. `halves` keeps the adapter as it is at each half
    epoch too, whole and finished. `report` writes curves where `training.report_to` says.
    """

    out: Path
    resume: bool = True
    halves: bool = False
    report: bool = False

    @property
    def checkpoints(self) -> Path:
        """Where the trainer keeps its state until the adapter is there."""
        return self.out / "checkpoints"

    def stage(self, name: str) -> Run:
        """Where one of the trainings before this one writes."""
        return Run(self._stages / name)

    def finished(self, inputs: Mapping[str, Any]) -> bool:
        """Whether the adapter is there.

        Raises:
            BundleError: `out` holds an adapter of other inputs.
        """
        file = self.out / "manifest.json"
        if not file.is_file():
            return False
        manifest = read_manifest(file, SCHEMA, (), "an adapter", _ADVICE)
        check_inputs(self.out, manifest, inputs, "an adapter", _ADVICE)
        return True

    def claim(self, inputs: Mapping[str, Any]) -> None:
        """Make `out` this training's.

        Raises:
            BundleError: it holds an unfinished training of other inputs.
        """
        if not self.resume:
            shutil.rmtree(self.checkpoints, ignore_errors=True)
            shutil.rmtree(self._stages, ignore_errors=True)
            self._stamp.unlink(missing_ok=True)
        claim(self._stamp, inputs, "an unfinished training", _ADVICE)

    def check_claimed(self, inputs: Mapping[str, Any]) -> None:
        """Refuse a process of a launch that does not see what the main one has claimed, or has other inputs."""
        if not self._stamp.is_file():
            raise BundleError(
                f"process {rank()} of the launch does not see {self._stamp}: `out` must lie on a file system that all "
                "machines share."
            )
        claimed = json.loads(self._stamp.read_text("utf-8"))
        if differ := ", ".join(key for key in inputs if claimed.get(key) != inputs[key]):
            raise BundleError(
                f"process {rank()} of the launch was started with other inputs than process 0 (these differ: "
                f"{differ}). Give every machine the same data, config, weights and version of kdsl."
            )

    def last_checkpoint(self) -> str | None:
        """The latest whole checkpoint; one that a kill cut short has no readable state, which is written last."""
        found = self.checkpoints.glob("checkpoint-*")
        for checkpoint in sorted(found, key=lambda path: int(path.name.rpartition("-")[2]), reverse=True):
            try:
                json.loads((checkpoint / "trainer_state.json").read_text("utf-8"))
            except (OSError, ValueError):
                shutil.rmtree(checkpoint)
                continue
            return str(checkpoint)
        return None

    def clear(self) -> None:
        """Take away what only an unfinished training needs."""
        shutil.rmtree(self.checkpoints)
        shutil.rmtree(self._stages, ignore_errors=True)
        self._stamp.unlink()

    @property
    def _stages(self) -> Path:
        return self.out / "stages"

    @property
    def _stamp(self) -> Path:
        return self.out / "inputs.json"


def half_epoch(out: Path, epoch: float) -> Path:
    """Where a training into `out` keeps its adapter of a half epoch."""
    return out / "halves" / f"{epoch:.1f}"


def half_epochs(out: Path) -> list[float]:
    """The half epochs whose adapters a training into `out` has kept."""
    return sorted(float(manifest.parent.name) for manifest in (out / "halves").glob("*/manifest.json"))


def finish(folder: Path, loaded: LoadedModel, body: Mapping[str, Any], curve: Sequence[Mapping[str, Any]]) -> None:
    """Write what stands beside an adapter's weights; the manifest comes last and makes it a finished one.

    Args:
        body: what the manifest says: inputs and counts.
        curve: the trainer's log, one row per step.
    """
    stamp_adapter(folder, loaded)
    write_jsonl(folder / "loss.jsonl", ({key: row[key] for key in _CURVE} for row in curve))
    write_manifest(folder / "manifest.json", SCHEMA, {**body, "steps": len(curve), "loss_curve": "loss.jsonl"})
