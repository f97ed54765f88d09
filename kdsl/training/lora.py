"""One adapter on a base model: trained from labelled evidence, resumable, in any regime (`kdsl.training.regimes`).

OUT/adapter_config.json, adapter_model.safetensors    PEFT's, of regime `lora`
OUT/delta.safetensors                                 instead of these: the trained weights of `freeze` and `full`
OUT/label_shift.json                                  where `training.logit_adjustment` asks for it
OUT/kdsl_base.json                                    the base it belongs to
OUT/loss.jsonl                                        the loss of every step
OUT/manifest.json                                     written last: a folder without it is unfinished
OUT/halves/<epoch>/                                   where asked for: the adapter as it was then, in the same form
OUT/inputs.json, OUT/checkpoints/                     while training goes on
OUT/logs/                                             TensorBoard's, where a training reports to it
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import shutil
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from kdsl.config import Config, ModelConfig
from kdsl.data.trainable import check_trainable
from kdsl.errors import BundleError, ConfigError
from kdsl.evidence.types import Evidence
from kdsl.models.adapters import SHIFT, renames_unheard, stamp_adapter
from kdsl.models.base import LoadedModel
from kdsl.processes import is_main, method, on_main, rank, shards_weights, world_size
from kdsl.runs import atomic_write
from kdsl.tasks import Task
from kdsl.training.augmentation import augmented
from kdsl.training.balance import draw_shares, label_shifts
from kdsl.training.examples import make_examples
from kdsl.training.regimes import trained_weights, trainee
from kdsl.training.teacher import SoftTargets

SCHEMA = 1
LOGS = "logs"
"""Where in an adapter's folder TensorBoard's files lie."""
_PACKAGES = ("kdsl", "torch", "transformers", "peft", "trl")
UNLEARNED = ("save_every", "gradient_checkpointing", "report_to")
"""Settings of training that change nothing that is learned: what was begun may go on with others."""
_BESIDE_THE_POINT: dict[str, Any] = dict.fromkeys((*UNLEARNED, "strategy", "search"), True)
"""What one adapter does not depend on."""


@renames_unheard()
def train_adapter(
    loaded: LoadedModel,
    evidences: Sequence[Evidence],
    tasks: Sequence[Task],
    config: Config,
    out: Path,
    *,
    seed: int,
    resume: bool = True,
    halves: bool = False,
    report: bool = False,
    soft: SoftTargets | None = None,
) -> Path:
    """Train one adapter over the labelled samples of `tasks` and write it to `out`; returns `out`.

    The loss is on the label and its end of turn alone. The base stays as it was, adapters that were loaded
    on it included, unless FSDP or ZeRO-3 deal it out. A finished adapter of the same inputs is not trained again; an
    unfinished one continues at its last checkpoint with the losses it would have had. Under a launch of several
    processes all call it with the same arguments, and the main one writes.

    Args:
        tasks: one for an adapter of its own, several for a joint one; samples of other tasks are left out.
        resume: False discards what an unfinished training left in `out`.
        halves: keep the adapter as it is at each half epoch too, whole and finished, in `half_epoch(out, e)`.
        report: write curves where `training.report_to` says.
        soft: a teacher's distributions over the one task's labels: samples that have one join, with a label or
            without, and the loss is `kdsl.training.student_trainer.distil_loss`.

    Raises:
        InputError: a task has no labelled samples, one label only, or a sample of an unknown label.
        ConfigError: the regime cannot train this base, or the package of `training.report_to` is not here.
        BundleError: `out` holds an adapter of other data or settings, or the processes do not all see it.
    """
    names = {task.name for task in tasks}
    if soft is None:
        check_trainable((evidence.sample for evidence in evidences), tasks)
        given = [e for e in evidences if e.sample.label is not None and e.sample.task in names]
        labelled = augmented(given, config.training.augment, seed)
    else:
        given = labelled = soft.taught(evidences)
    samples = {task.name: sum(e.sample.task == task.name for e in given) for task in tasks}
    inputs = training_inputs(loaded, labelled, tasks, config, seed) | (soft.inputs(labelled) if soft else {})
    if on_main(lambda: _finished(out, inputs)):
        return out
    counts = {
        "samples": samples,
        "augmented": {name: sum(e.sample.task == name for e in labelled) - n for name, n in samples.items()},
    }
    work = out / "checkpoints"
    on_main(lambda: _claim(out, inputs, fresh=not resume))
    _check_claimed(out, inputs)

    from kdsl.training.trainer import (
        HalfEpochs,
        LabelTrainer,
        RichProgress,
        StopAt,
        reporters,
        step_samples,
        training_arguments,
        undo_patches,
    )

    prompt = config.prompt
    if config.training.ocr is not None:
        prompt = prompt.model_copy(update={"ocr": config.training.ocr})
    examples = make_examples(loaded, labelled, {task.name: task for task in tasks}, prompt)
    arguments = training_arguments(work, loaded, config.training, seed, len(examples))
    shares = draw_shares(labelled, config.training.balance)
    shifts = None
    if tau := config.training.logit_adjustment:
        shifts = label_shifts(labelled, tasks, config.training.balance, tau)
    curves = reporters(config.training.report_to, out / LOGS, inputs) if report and is_main() else []
    bar = RichProgress(out.name, step_samples(config.training))
    with trainee(loaded, config.training, seed) as learner:

        def keep(folder: Path, stop: float | None = None) -> None:
            made = inputs if stop is None else _stopped(inputs, stop)
            weights = trained_weights(learner.model)

            def write() -> None:
                learner.save(folder, weights)
                if shifts is not None:
                    atomic_write(folder / SHIFT, json.dumps(shifts, ensure_ascii=False, indent=1))
                _finish(folder, loaded, made, counts, [row for row in trainer.state.log_history if "loss" in row])

            on_main(write)

        callbacks: list[Any] = [bar, StopAt(config.training.stop), *curves]
        if halves:
            callbacks.append(HalfEpochs(lambda epoch: keep(half_epoch(out, epoch), epoch)))
        try:
            if soft is None:
                trainer = LabelTrainer(learner, loaded, examples, shares, args=arguments, callbacks=callbacks)
            else:
                from kdsl.training.student_trainer import DistilTrainer

                trainer = DistilTrainer(
                    learner, loaded, examples, soft, labelled, shares, args=arguments, callbacks=callbacks
                )
            trainer.train(resume_from_checkpoint=on_main(lambda: _last_checkpoint(work)))
        finally:
            bar.close()
            undo_patches(loaded.model)
        keep(out)
    on_main(lambda: _clear(out))
    return out


def half_epoch(out: Path, epoch: float) -> Path:
    """Where a training into `out` keeps its adapter of a half epoch."""
    return out / "halves" / f"{epoch:.1f}"


def half_epochs(out: Path) -> list[float]:
    """The half epochs whose adapters a training into `out` has kept."""
    return sorted(float(manifest.parent.name) for manifest in (out / "halves").glob("*/manifest.json"))


def _stopped(inputs: dict[str, Any], stop: float) -> dict[str, Any]:
    """The inputs of a training that would have ended at `stop`."""
    return {**inputs, "training": {**inputs["training"], "stop": stop}}


def _finish(
    out: Path, loaded: LoadedModel, inputs: dict[str, Any], counts: dict[str, Any], curve: Sequence[dict[str, Any]]
) -> None:
    """What stands beside an adapter's weights; the manifest comes last and makes it a finished one."""
    stamp_adapter(out, loaded)
    rows = ({key: row[key] for key in ("step", "epoch", "loss", "grad_norm", "learning_rate")} for row in curve)
    atomic_write(out / "loss.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
    versions = {name: importlib.metadata.version(name) for name in _PACKAGES}
    manifest = {"schema": SCHEMA, **inputs, **counts, "steps": len(curve), "loss_curve": "loss.jsonl"}
    manifest["versions"] = versions
    atomic_write(out / "manifest.json", json.dumps(manifest, ensure_ascii=False, indent=1))


def adapter_groups(tasks: Sequence[Task], config: Config) -> dict[str, list[Task]]:
    """Adapter name -> the tasks it serves: one each, or 'joint' for all of them."""
    return {"joint": list(tasks)} if config.training.strategy == "joint" else {task.name: [task] for task in tasks}


def train_adapters(
    loaded: LoadedModel,
    evidences: Sequence[Evidence],
    tasks: Sequence[Task],
    config: Config,
    out: Path,
    *,
    seed: int,
    resume: bool = True,
    halves: bool = False,
    report: bool = False,
) -> list[Path]:
    """Train what `config.training.strategy` asks for: `out/adapters/<task>` each, or `out/adapters/joint`.

    Samples of all tasks are checked before the first training begins. `halves`, `report` and errors are
    those of `train_adapter`.
    """
    check_trainable((evidence.sample for evidence in evidences), tasks)
    return [
        train_adapter(
            loaded,
            evidences,
            group,
            config,
            out / "adapters" / name,
            seed=seed,
            resume=resume,
            halves=halves,
            report=report,
        )
        for name, group in adapter_groups(tasks, config).items()
    ]


def training_inputs(
    loaded: LoadedModel, labelled: Sequence[Evidence], tasks: Sequence[Task], config: Config, seed: int
) -> dict[str, Any]:
    """What an adapter depends on, hashed where it is long."""
    digest = hashlib.sha256()
    for evidence in labelled:
        sample = evidence.sample
        turns = [(turn.role, turn.text) for turn in sample.turns]
        views = [asdict(picture.view) for picture in evidence.pictures if picture.view]
        row = [sample.id, sample.task, sample.label, sample.images, turns, evidence.ocr_text, *views]
        digest.update(json.dumps(row).encode())
    return {
        "base": loaded.name,
        "base_fingerprint": loaded.fingerprint,
        "dtype": str(loaded.dtype).removeprefix("torch."),
        "tasks": {task.name: [task.prompt, *task.names] for task in tasks},
        "data": digest.hexdigest(),
        "seed": seed,
        # what a file of synonyms does shows in the data, wherever the file lies
        "training": config.training.model_dump(mode="json", exclude=_BESIDE_THE_POINT | {"augment": {"synonyms"}}),
        "prompt": config.prompt.model_dump(mode="json"),
    } | ({"processes": world_size(), "method": method()} if world_size() > 1 else {})


def check_launch(model: ModelConfig, adapters: int, *, choosing: bool = False) -> None:
    """Refuse a launch that cannot train `adapters` adapters on a model.

    Args:
        choosing: held-out samples are to choose among trainings, or among the half epochs of one.

    Raises:
        ConfigError: FSDP or ZeRO-3, which deal the base out, are asked for several adapters, for a choice, or for a
            4-bit base.
    """
    if not shards_weights():
        return
    if choosing:
        raise ConfigError(
            f"{method()} deals the base out to the processes, so that it cannot score held-out samples. Leave "
            "out those and training.search, or take ddp.yaml or zero2.yaml."
        )
    if adapters > 1:
        raise ConfigError(
            f"{method()} deals the base out to the processes, so that one launch trains one adapter, not {adapters}. "
            "Launch once for each task, or take training.strategy=joint, ddp.yaml or zero2.yaml."
        )
    if model.quantize != "none":
        raise ConfigError(
            f"{method()} cannot deal out weights of 4 bits: write quantize: none, or launch with ddp.yaml."
        )


def _finished(out: Path, inputs: dict[str, Any]) -> bool:
    file = out / "manifest.json"
    if not file.is_file():
        return False
    try:
        manifest = json.loads(file.read_text("utf-8"))
        same = {key: manifest.get(key) for key in inputs} == inputs
    except (ValueError, AttributeError) as error:
        raise BundleError(f"{file} cannot be read ({error!r}); delete {out} and train again.") from error
    if not same:
        raise _other(out, "an adapter", manifest, inputs)
    return True


def _claim(out: Path, inputs: dict[str, Any], *, fresh: bool) -> None:
    """Make `out` this training's, or refuse if it is another's."""
    file = out / "inputs.json"
    if fresh:
        shutil.rmtree(out / "checkpoints", ignore_errors=True)
        file.unlink(missing_ok=True)
    elif file.is_file():
        before = json.loads(file.read_text("utf-8"))
        if before != inputs:
            raise _other(out, "an unfinished training", before, dict.fromkeys(before) | inputs)
    atomic_write(file, json.dumps(inputs, ensure_ascii=False))


def _check_claimed(out: Path, inputs: dict[str, Any]) -> None:
    """Refuse a process that does not see what the main one has claimed, or was started with other inputs."""
    file = out / "inputs.json"
    if not file.is_file():
        raise BundleError(
            f"process {rank()} of the launch does not see {file}: `out` must lie on a file system that all machines "
            "share."
        )
    claimed = json.loads(file.read_text("utf-8"))
    if differ := ", ".join(key for key in inputs if claimed.get(key) != inputs[key]):
        raise BundleError(
            f"process {rank()} of the launch was started with other inputs than process 0 (these differ: {differ}). "
            "Give every machine the same data, config, weights and version of kdsl."
        )


def _clear(out: Path) -> None:
    """Take away what only an unfinished training needs."""
    shutil.rmtree(out / "checkpoints")
    (out / "inputs.json").unlink()


def _other(out: Path, what: str, found: dict[str, Any], inputs: dict[str, Any]) -> BundleError:
    differ = ", ".join(key for key in inputs if found.get(key) != inputs[key])
    return BundleError(
        f"{out} holds {what} with other inputs (these differ: {differ}). "
        "Give another folder, or delete this one to train anew."
    )


def _last_checkpoint(work: Path) -> str | None:
    """The latest whole checkpoint; one that a kill cut short has no readable trainer state, which is written last."""
    found = sorted(work.glob("checkpoint-*"), key=lambda path: int(path.name.rpartition("-")[2]), reverse=True)
    for checkpoint in found:
        try:
            json.loads((checkpoint / "trainer_state.json").read_text("utf-8"))
        except (OSError, ValueError):
            shutil.rmtree(checkpoint)
            continue
        return str(checkpoint)
    return None
