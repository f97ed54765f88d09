"""A subclass of trl's SFTTrainer with precomputed picture features, loss at label positions and exact resume."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

import torch
from datasets import Dataset
from rich.progress import BarColumn, MofNCompleteColumn
from torch.utils.data import Sampler
from transformers import (
    PreTrainedModel,
    PrinterCallback,
    Trainer,
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
)
from transformers.integrations import TensorBoardCallback, WandbCallback
from transformers.models.qwen3_vl.modeling_qwen3_vl import BaseModelOutputWithDeepstackFeatures
from trl import SFTConfig, SFTTrainer

from kdsl.config import TrainingConfig
from kdsl.errors import ConfigError, MissingDependency
from kdsl.models.base import LoadedModel
from kdsl.models.feed_forward import last_feed_forward_on
from kdsl.processes import method, on_main, shards_weights, world_size
from kdsl.progress import bar
from kdsl.training.examples import IGNORED, Collator, Example
from kdsl.training.lower_layers import LowerLayers
from kdsl.training.regimes import Trainee, trained_weights

_MEGABATCH = 16
"""Batches among which samples are sorted by length: little padding, and the order stays random."""


class SimilarLengths(Sampler[int]):
    """Sample numbers in an order whose successive batches hold similar lengths.

    The order depends on seed and epoch alone, so that a resumed run sees the samples it would have seen. With
    `shares`, an epoch of n draws holds sample i n * shares[i] times, rounded up or down by lot (systematic
    sampling).
    """

    def __init__(self, lengths: Sequence[int], batch: int, seed: int, shares: Sequence[float] | None = None) -> None:
        self.lengths = lengths
        self.batch = batch
        self.seed = seed
        self.shares = None if shares is None else torch.tensor(shares, dtype=torch.float64)
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Called by the trainer before each epoch."""
        self.epoch = epoch

    def __len__(self) -> int:
        return len(self.lengths)

    def __iter__(self) -> Iterator[int]:
        generator = torch.Generator().manual_seed(self.seed * 100_003 + self.epoch)
        order = self._drawn(generator).tolist()
        mega = self.batch * _MEGABATCH
        ordered: list[int] = []
        for start in range(0, len(order), mega):
            ordered += sorted(order[start : start + mega], key=self.lengths.__getitem__)
        batches = [ordered[start : start + self.batch] for start in range(0, len(ordered), self.batch)]
        whole = batches if len(batches[-1]) == self.batch else batches[:-1]  # a short batch stays last
        for i in torch.randperm(len(whole), generator=generator).tolist():
            yield from whole[i]
        if len(whole) < len(batches):
            yield from batches[-1]

    def _drawn(self, generator: torch.Generator) -> torch.Tensor:
        """An epoch's sample numbers in random order."""
        n = len(self.lengths)
        order = torch.randperm(n, generator=generator)
        if self.shares is None:
            return order
        steps = (torch.arange(n, dtype=torch.float64) + torch.rand(1, generator=generator, dtype=torch.float64)) / n
        drawn = order[torch.searchsorted(self.shares[order].cumsum(0), steps).clamp(max=n - 1)]
        return drawn[torch.randperm(n, generator=generator)]


class LabelTrainer(SFTTrainer):
    """Trains what a regime leaves trainable on examples; the model's vision tower is never run.

    Args:
        shares: each example's share of an epoch's draws; None draws each once.
        frozen: number of decoder layers, counted from the first, that are not trained (`LowerLayers`).
    """

    def __init__(
        self,
        learner: Trainee,
        loaded: LoadedModel,
        examples: Sequence[Example],
        shares: Sequence[float] | None = None,
        frozen: int = 0,
        **kwargs: Any,
    ) -> None:
        self.lower = LowerLayers(loaded, frozen) if frozen and not loaded.sees and not shards_weights() else None
        self.learner = learner
        self.examples = examples
        self.shares = shares
        self.language_model = loaded.decoder
        rows = Dataset.from_dict({"number": list(range(len(examples)))})
        super().__init__(
            model=learner.model,
            train_dataset=rows,
            data_collator=Collator(loaded, examples, self.lower),
            processing_class=loaded.tokenizer,
            **kwargs,
        )
        self.remove_callback(PrinterCallback)  # prints every step to stdout, which belongs to results
        self._loss_shifts_labels = False  # labels are targets as they stand: all of them are counted
        if self.args.process_index:  # dropout's masks are this process's own, what was initialised is not
            torch.manual_seed(self.args.seed + self.args.process_index)
        if method() == "fsdp":
            layer = type(loaded.decoder.layers[0]).__name__
            self.accelerator.state.fsdp_plugin.transformer_cls_names_to_wrap = [layer]

    def train(self, *args: Any, **kwargs: Any) -> Any:
        tokens = logging.getLogger("transformers.trainer_utils")
        before = tokens.level
        tokens.setLevel(logging.ERROR)  # it warns that the base takes the tokenizer's padding token, which is meant
        try:
            return super().train(*args, **kwargs)
        finally:
            tokens.setLevel(before)

    def _get_train_sampler(self, train_dataset: Dataset | None = None) -> Sampler[int]:
        # all that one step sees has like lengths: accelerate deals successive batches to the processes in turn
        size = self.args.train_batch_size * self.args.gradient_accumulation_steps * self.args.world_size
        sampler = SimilarLengths([len(example) for example in self.examples], size, self.args.seed, self.shares)
        self.add_callback(EpochOrder(sampler))
        return sampler

    def answer_rows(self, inputs: dict[str, torch.Tensor]) -> range:
        """Where the next token is predicted that the loss reads, counted from the right end."""
        return range(-inputs["labels"].shape[1] - 1, -1)

    def training_step(
        self, model: Any, inputs: dict[str, torch.Tensor], num_items_in_batch: torch.Tensor | int | None = None
    ) -> torch.Tensor:
        """Forward and backward pass of a batch; the last layer's feed-forward runs on the answers' rows alone."""
        at = self.answer_rows(inputs)
        below = self.lower.skipped() if self.lower and "lower_states" in inputs else nullcontext()
        with below, last_feed_forward_on(self.language_model, (slice(None), slice(at.start, at.stop or None))):
            loss: torch.Tensor = super().training_step(model, inputs, num_items_in_batch)
        return loss

    def compute_loss(
        self,
        model: Any,
        inputs: dict[str, torch.Tensor],
        return_outputs: bool = False,
        num_items_in_batch: torch.Tensor | int | None = None,
    ) -> Any:
        """Mean cross-entropy of the answers' tokens; logits are computed where answers stand and nowhere else."""
        labels = inputs["labels"]
        outputs = run_model(model, inputs, self.answer_rows(inputs))
        logits = outputs.logits.float()  # [b, a, v]: each predicts the token after it
        total = torch.nn.functional.cross_entropy(
            logits.flatten(0, 1), labels.flatten(), ignore_index=IGNORED, reduction="sum"
        )
        if num_items_in_batch is None:
            loss = total / (labels != IGNORED).sum()
        else:  # counted over all processes, whose gradients are averaged
            loss = total * self.args.world_size / num_items_in_batch
        return (loss, outputs) if return_outputs else loss

    def _save(self, output_dir: str | None = None, state_dict: dict[str, Any] | None = None) -> None:
        """A checkpoint holds what is being trained: no base, no tokenizer, no other adapter."""
        weights = trained_weights(self.learner.model)
        on_main(lambda: self.learner.keep(Path(output_dir or self.args.output_dir), weights))

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: Any = None) -> None:
        if self.learner.restore is None or method() == "fsdp":
            super()._load_from_checkpoint(resume_from_checkpoint, model)
        else:
            self.learner.restore(Path(resume_from_checkpoint))

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        Trainer._save_checkpoint(self, model, trial)  # without trl's model card for every checkpoint


def run_model(model: Any, inputs: dict[str, torch.Tensor], at: range) -> Any:
    """A model's outputs on what a `Collator` made; logits of the positions `at` alone, counted from the right end.

    With `lower_states`, the layers that made these must be skipped (`LowerLayers.skipped`).
    """
    pictures: dict[str, Any] = {}
    if "picture_embeds" in inputs:
        image = BaseModelOutputWithDeepstackFeatures(
            pooler_output=(inputs["picture_embeds"],),
            deepstack_features=[(layer,) for layer in inputs.get("deep_embeds", ())],
        )
        pictures["mm_encoder_outputs"] = {"image": image}
    below = "lower_states" in inputs
    return model(
        input_ids=None if below else inputs["input_ids"],
        inputs_embeds=inputs["lower_states"] if below else None,
        attention_mask=inputs["attention_mask"],
        position_ids=inputs["position_ids"],
        **pictures,
        # as numbers, which copies these rows: a slice leaves gaps between them, and torch then multiplies row by row
        logits_to_keep=torch.tensor(at, device=inputs["input_ids"].device),
        use_cache=False,
    )


def training_arguments(
    folder: Path, loaded: LoadedModel, config: TrainingConfig, seed: int, n_samples: int
) -> SFTConfig:
    """The trainer's settings: checkpoints go to `folder`, and it reports through callbacks alone.

    Raises:
        ConfigError: the base is on another GPU than the first that torch sees.
    """
    steps = max(1, round(config.epochs * n_samples / step_samples(config)))
    arguments = SFTConfig(
        output_dir=str(folder),
        num_train_epochs=config.epochs,
        per_device_train_batch_size=config.batch_size,
        gradient_accumulation_steps=config.gradient_accumulation,
        learning_rate=config.learning_rate,
        weight_decay=config.weight_decay,
        warmup_steps=round(config.warmup_ratio * steps),
        lr_scheduler_type="cosine",
        save_strategy="steps",
        save_steps=config.save_every,
        save_total_limit=2,
        logging_steps=1,
        seed=seed,
        data_seed=seed,
        bf16=loaded.dtype == torch.bfloat16,
        fp16=loaded.dtype == torch.float16,
        use_cpu=loaded.device.type == "cpu",
        gradient_checkpointing=False,  # as kdsl.training.regimes set it
        max_length=None,
        dataset_kwargs={"skip_prepare_dataset": True},
        remove_unused_columns=False,
        dataloader_num_workers=0,
        dataloader_pin_memory=False,
        ddp_find_unused_parameters=False,
        report_to="none",
        disable_tqdm=True,
    )
    if (arguments.device.type, arguments.device.index or 0) != (loaded.device.type, loaded.device.index or 0):
        raise ConfigError(
            f"the model is on {loaded.device}, and training runs on {arguments.device}. Write device: auto, and choose "
            "the GPU by the environment variable CUDA_VISIBLE_DEVICES."
        )
    arguments._n_gpu = min(arguments.n_gpu, 1)  # several are for several processes
    return arguments


def step_samples(config: TrainingConfig) -> int:
    """Samples of one optimizer step, over all processes."""
    return config.batch_size * config.gradient_accumulation * world_size()


class EpochOrder(TrainerCallback):
    """Tells the sampler its epoch. accelerate does not, where several processes resume within one."""

    def __init__(self, sampler: SimilarLengths) -> None:
        self.sampler = sampler

    def on_epoch_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        self.sampler.set_epoch(int((state.epoch or 0) + 1e-6))


class RichProgress(TrainerCallback):
    """One line on stderr: epoch, step, loss, samples per second; seen where `kdsl.progress.bar` is."""

    def __init__(self, title: str, batch: int) -> None:
        self.title = title
        self.batch = batch
        self._bar = bar(BarColumn(), MofNCompleteColumn(), "{task.fields[note]}")
        self._began = 0.0
        self._first = 0

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        self._began, self._first = time.monotonic(), state.global_step
        self._task = self._bar.add_task(self.title, total=state.max_steps, completed=state.global_step, note="")
        self._bar.start()

    def on_log(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        loss = kwargs.get("logs", {}).get("loss")
        if loss is None:
            return
        rate = (state.global_step - self._first) * self.batch / max(time.monotonic() - self._began, 1e-6)
        note = f"epoch {state.epoch or 0:.2f}  loss {loss:.4f}  {rate:.1f} samples/s"
        self._bar.update(self._task, completed=state.global_step, note=note)

    def close(self) -> None:
        """Leave the terminal as it was, after an error too."""
        self._bar.stop()


class HalfEpochs(TrainerCallback):
    """Calls `keep` with the epoch (0.5, 1.0, ...) after the first step that reaches each half epoch."""

    def __init__(self, keep: Callable[[float], None]) -> None:
        self.keep = keep
        self._reached = 0

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        self._reached = _halves(state)  # what lies before a checkpoint was kept before it was written

    def on_log(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        if _halves(state) > self._reached:
            self._reached = _halves(state)
            self.keep(self._reached / 2)


class StopAt(TrainerCallback):
    """Ends training at the first step that reaches `epoch`, wherever the schedule stands; None trains to its end.

    The last step leaves no checkpoint: within an epoch, transformers would resume from it by one step more.
    """

    def __init__(self, epoch: float | None) -> None:
        self.epoch = epoch

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        if self.epoch is not None and (state.epoch or 0) >= self.epoch - 1e-6:
            control.should_training_stop = True
        if control.should_training_stop:
            control.should_save = False


def _halves(state: TrainerState) -> int:
    """Half epochs that are over."""
    return int(2 * (state.epoch or 0) + 1e-6)


class WandbRun(WandbCallback):
    """A training as one run of Weights & Biases: figures and settings go there; no code, git state or terminal output.

    The project is `kdsl`, or what WANDB_PROJECT says; files lie where wandb puts them (./wandb, or WANDB_DIR).
    """

    def __init__(self, name: str, settings: Mapping[str, Any]) -> None:
        super().__init__()
        self.name = name
        self.settings = settings

    def setup(self, args: TrainingArguments, state: TrainerState, model: Any, **kwargs: Any) -> None:
        quiet = self._wandb.Settings(disable_git=True, save_code=False, console="off")
        project = os.getenv("WANDB_PROJECT", "kdsl")
        self._wandb.init(project=project, name=self.name, config=dict(self.settings), settings=quiet)
        super().setup(args, state, model, **kwargs)

    def on_train_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        super().on_train_end(args, state, control, **kwargs)
        self._wandb.finish()  # or the next task's training would draw its curves into this run


def reporters(
    where: Literal["tensorboard", "wandb", "none"], logs: Path, settings: Mapping[str, Any]
) -> list[TrainerCallback]:
    """Callbacks that write a training's curves: for TensorBoard, or to Weights & Biases.

    Args:
        logs: folder of TensorBoard's files; a run of Weights & Biases is named as the folder it lies in.
        settings: what the training depends on.

    Raises:
        MissingDependency: wandb is asked for and not here.
    """
    if where == "tensorboard":
        from tensorboardX import SummaryWriter

        return [TensorBoardCallback(SummaryWriter(str(logs)))]
    if where == "wandb":
        if not find_spec("wandb"):
            raise MissingDependency(
                "training.report_to: wandb needs the package wandb: `pip install 'kdsl[wandb]'`, or write "
                "training.report_to: tensorboard."
            )
        return [WandbRun(str(logs.parent), settings)]
    return []


def undo_patches(model: PreTrainedModel) -> None:
    """Take off what SFTTrainer puts onto the model it is given: a forward method of its own."""
    model.__dict__.pop("forward", None)
