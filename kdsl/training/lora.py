"""Trains one adapter on a base model from labelled evidence, in any regime (`kdsl.training.regimes`); resumable."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kdsl.config import Config, ModelConfig
from kdsl.data.trainable import check_trainable
from kdsl.errors import ConfigError
from kdsl.evidence.types import Evidence
from kdsl.files import write_json
from kdsl.models.adapters import SHIFT, no_rename_warnings
from kdsl.models.base import LoadedModel
from kdsl.models.four_bit import import_peft
from kdsl.models.guard import way_of
from kdsl.processes import is_main, method, on_main, shards_weights
from kdsl.tasks import Task
from kdsl.training.balance import draw_shares, label_shifts
from kdsl.training.examples import make_examples
from kdsl.training.folder import LOGS, Run, finish, half_epoch
from kdsl.training.job import TrainingJob, adapter_groups
from kdsl.training.regimes import Trainee, frozen_layers, trained_weights, trainee

if TYPE_CHECKING:
    from kdsl.training.trainer import LabelTrainer


@no_rename_warnings()
def train_adapter(job: TrainingJob, run: Run) -> Path:
    """Train one adapter and write it to `run.out`; returns that folder (`kdsl.training.folder` lists its files).

    The loss is on the label and its end of turn only; with a teacher it is
    `kdsl.training.student_trainer.distillation_loss`. The base stays as it was, adapters that were loaded on it
    included, unless FSDP or ZeRO-3 deal it out. A finished adapter of the same inputs is not trained again; an
    unfinished one continues at its last checkpoint with the losses it would have had. Under a launch of several
    processes all call it with the same arguments, and the main one writes.

    Raises:
        InputError: a task has no labelled samples, one label only, or a sample of an unknown label.
        ConfigError: the regime or a teacher cannot train this base, or the package of `training.report_to` is not
            here.
        BundleError: `run.out` holds an adapter of other data or settings, or the processes do not all see it.
    """
    return _train(job, run, None)


def _train(job: TrainingJob, run: Run, start: Path | None) -> Path:
    """Train one adapter, from the one in `start` where that is given; stages come first."""
    if on_main(lambda: run.finished(job.inputs)):
        return run.out
    if job.soft is not None and way_of(job.loaded).name != "tree":
        raise ConfigError(
            f"{job.loaded.name} cannot be taught by a teacher: that trains all labels as a tree behind one prompt, and "
            "this model's layers do not keep to a tree's mask. Train it on labels alone."
        )
    on_main(lambda: run.claim(job.inputs))
    run.check_claimed(job.inputs)
    for stage in job.stages:
        start = _train(stage, run.stage(stage.tasks[0].name), start)

    import_peft()
    from kdsl.training.trainer import RichProgress, step_samples, undo_patches  # imports trl, and that peft

    bar = RichProgress(run.out.name, step_samples(job.config.training))
    with trainee(job.loaded, job.config.training, job.config.seed, start) as learner:
        keeper = _Keeper(job, learner)
        try:
            trainer = _trainer(job, run, learner, keeper, bar)
            trainer.train(resume_from_checkpoint=on_main(run.last_checkpoint))
        finally:
            bar.close()
            undo_patches(job.loaded.model)
        keeper.keep(run.out)
    on_main(run.clear)
    return run.out


def train_adapters(
    loaded: LoadedModel, evidences: Sequence[Evidence], tasks: Sequence[Task], config: Config, run: Run
) -> list[Path]:
    """Train what `config.training.strategy` asks for: `run.out`/adapters/<task> each, or one at adapters/joint.

    Samples of all tasks are checked before the first training begins. Errors are those of `train_adapter`.
    """
    check_trainable((evidence.sample for evidence in evidences), tasks)
    return [
        train_adapter(TrainingJob(loaded, evidences, group, config), replace(run, out=run.out / "adapters" / name))
        for name, group in adapter_groups(tasks, config).items()
    ]


def check_launch(model: ModelConfig, trainings: int, *, choosing: bool = False) -> None:
    """Refuse a launch that cannot do `trainings` trainings on a model.

    Args:
        choosing: held-out samples are to choose among trainings, or among the half epochs of one.

    Raises:
        ConfigError: FSDP or ZeRO-3, which deal the base out, are asked for several trainings, for a choice, or for a
            4-bit base.
    """
    if not shards_weights():
        return
    if choosing:
        raise ConfigError(
            f"{method()} deals the base out to the processes, so that it cannot score held-out samples. Leave "
            "out those and training.search, or take ddp.yaml or zero2.yaml."
        )
    if trainings > 1:
        raise ConfigError(
            f"{method()} deals the base out to the processes, so that one launch does one training, not {trainings}. "
            "Launch once for each task, or take training.strategy=joint, ddp.yaml or zero2.yaml."
        )
    if model.quantize != "none":
        raise ConfigError(
            f"{method()} cannot deal out weights of 4 bits: write quantize: none, or launch with ddp.yaml."
        )


@dataclass
class _Keeper:
    """Writes the adapter as it is: at the end of a training, and at half epochs."""

    job: TrainingJob
    learner: Trainee
    trainer: LabelTrainer | None = None
    """Whose log is kept beside the weights."""

    def keep(self, folder: Path, stop: float | None = None) -> None:
        """Write a finished adapter; `stop` is the epoch that the training would have ended at."""
        job, weights = self.job, trained_weights(self.learner.model)
        body = {**job.inputs, **job.counts}
        if stop is not None:
            body["training"] = {**job.inputs["training"], "stop": stop}

        curve = [row for row in self.trainer.state.log_history if "loss" in row] if self.trainer else []

        def write() -> None:
            self.learner.save(folder, weights)
            if tau := job.config.training.logit_adjustment:
                shifts = label_shifts(job.examples, job.tasks, job.config.training.balance, tau)
                write_json(folder / SHIFT, shifts)
            finish(folder, job.loaded, body, curve)

        on_main(write)


def _trainer(job: TrainingJob, run: Run, learner: Trainee, keeper: _Keeper, bar: Any) -> LabelTrainer:
    """The trainer of a job, with callbacks that stop it, show it and keep half epochs."""
    from kdsl.training.student_trainer import StudentTrainer
    from kdsl.training.trainer import HalfEpochs, LabelTrainer, StopAt, reporters, training_arguments

    training = job.config.training
    examples = make_examples(job.loaded, job.examples, {task.name: task for task in job.tasks}, job.prompt)
    arguments = training_arguments(run.checkpoints, job.loaded, training, job.config.seed, len(examples))
    shares = draw_shares(job.examples, training.balance)
    curves = reporters(training.report_to, run.out / LOGS, job.inputs) if run.report and is_main() else []
    callbacks: list[Any] = [bar, StopAt(training.stop), *curves]
    if run.halves:
        callbacks.append(HalfEpochs(lambda epoch: keeper.keep(half_epoch(run.out, epoch), epoch)))
    options: dict[str, Any] = {"args": arguments, "callbacks": callbacks}
    if job.soft is None:
        frozen = frozen_layers(job.loaded, training)
        trainer = LabelTrainer(learner, job.loaded, examples, shares, frozen, **options)
    else:
        trainer = StudentTrainer(learner, job.loaded, examples, job.soft, job.examples, shares, **options)
    keeper.trainer = trainer
    return trainer
