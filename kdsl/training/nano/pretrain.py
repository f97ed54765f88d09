"""Pretraining of kdsl-nano on the synthetic world: one seed, one command, the weights that ship with kdsl."""

from __future__ import annotations

import json
import logging
import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from transformers import Qwen2Tokenizer

from kdsl.config import NANO, PromptConfig
from kdsl.errors import ConfigError
from kdsl.files import write_json
from kdsl.knowledge.documents import Document
from kdsl.models.base import LoadedModel, wrap
from kdsl.models.chat import frame_of
from kdsl.models.nano.architecture import NanoShape, build_model, build_processor, save
from kdsl.models.nano.manifest import NanoManifest, hash_files, write_manifest
from kdsl.models.nano.tokenizer import train_tokenizer
from kdsl.models.scorer import LabelScorer
from kdsl.runs import claim, versions
from kdsl.tasks import Task
from kdsl.training.nano.batches import Batch, Collator, stream
from kdsl.training.nano.embedding_init import count_neighbours, embeddings_from
from kdsl.training.nano.exercises import Author, Exercise
from kdsl.training.nano.loss import weighted_loss
from kdsl.training.nano.schedule import Schedule
from kdsl.world.rows import Kind, World, build_world

log = logging.getLogger(__name__)

_CHANGEABLE = ("minutes", "threads", "workers")
"""Settings that may differ when a run goes on."""
_ADAM = ("step", "exp_avg", "exp_avg_sq")

LOG_EVERY = 50
"""Steps between lines of progress."""
COUNTED = 20_000
"""Dialogues whose words are counted for the first embeddings."""


@dataclass(frozen=True)
class Pretraining:
    """Settings of a run; `steps` or `minutes` says how long (see `Schedule`)."""

    seed: int = 17
    steps: int | None = None
    minutes: float | None = None
    dialogues: int = 40_000
    screens: int = 12_000
    vocab_size: int = 8_000
    batch_tokens: int = 2_048
    """Tokens of a batch, padding included."""
    learning_rate: float = 1.5e-3
    weight_decay: float = 0.05
    clip: float = 1.0
    sharpness: float = 1.0
    """Weight of the loss among labels beside the one over the vocabulary."""
    eval_every: int = 600
    """Steps between measurements on held-out samples."""
    eval_size: int = 115
    """Held-out samples of each task that are measured."""
    save_every: int = 200
    threads: int = 2
    workers: int = 1
    """Processes that make batches; 0 makes them in this one."""
    shape: NanoShape = field(default_factory=NanoShape)


def pretrain(out: Path, settings: Pretraining, tasks: Sequence[Task], snippets: Sequence[Document]) -> NanoManifest:
    """Make the world, learn the tokenizer, train, measure; the weights' folder is `out/weights`.

    A run that was killed goes on from its last checkpoint; its result is that of an uninterrupted one.

    Raises:
        ConfigError: neither steps nor minutes are given.
        BundleError: `out` holds a run of other settings.
    """
    if settings.steps is None and settings.minutes is None:
        raise ConfigError("pretraining ends by `steps` or by `minutes`: give one of them.")
    inputs = {name: value for name, value in asdict(settings).items() if name not in _CHANGEABLE}
    claim(out / "settings.json", inputs, "a pretraining", "Give another folder, or the same settings to go on with it.")
    torch.set_num_threads(settings.threads)
    started = time.monotonic()
    sizes: dict[Kind, int] = {"dialogues": settings.dialogues, "screens": settings.screens}
    world = build_world(
        out / "world", tasks, settings.seed, sizes, settings.threads, lambda kind, n: log.info("%d more %s", n, kind)
    )
    tokenizer = _tokenizer(out / "tokenizer", world, tasks, snippets, settings.vocab_size)
    model = build_model(tokenizer, settings.shape, settings.seed)
    loaded = wrap(model, build_processor(tokenizer), name=NANO, fingerprint="in training")
    _start_embeddings(loaded, world, tasks, settings.seed)
    author = Author(tasks, world.dialogues, world.screens, snippets, frame_of(loaded))
    trainer = _Trainer(out / "checkpoint", loaded, Collator(loaded, tasks), settings, started)
    held_out = _HeldOut(world, author, tasks, loaded, settings)
    batches = stream(
        world,
        author,
        trainer.collate,
        seed=settings.seed,
        budget=settings.batch_tokens,
        place=trainer.place,
        workers=settings.workers,
    )
    _train(trainer, batches, held_out, settings)
    folder = out / "weights"
    save(loaded.model, loaded.processor, folder)
    manifest = NanoManifest(
        command=_command(settings, trainer.step),
        seed=settings.seed,
        steps=trainer.step,
        minutes=round(trainer.minutes, 1),
        threads=settings.threads,
        parameters=loaded.n_parameters,
        vocabulary=len(tokenizer),
        world={**sizes, "snippets": len(snippets)},
        held_out={name: round(value, 4) for name, value in held_out.accuracy().items()},
        versions=versions(),
        files=hash_files(folder),
    )
    write_manifest(folder, manifest)
    return manifest


def _train(
    trainer: _Trainer, batches: Iterator[tuple[tuple[int, int], Batch]], held_out: _HeldOut, settings: Pretraining
) -> None:
    """Take the steps that are left, with checkpoints and measurements on the way, and a checkpoint at the end."""
    while not trainer.done:
        place, batch = next(batches)
        loss = trainer.train_step(batch)
        trainer.place = place
        if trainer.step % LOG_EVERY == 0:
            log.info("%s", trainer.line(loss))
        if trainer.step % settings.eval_every == 0:
            log.info("step %d: held-out %s", trainer.step, held_out.text())
        if trainer.step % settings.save_every == 0:
            trainer.save()
    trainer.save()


def _command(settings: Pretraining, steps: int) -> str:
    """The command that makes the same weights again: by steps, since minutes differ between machines."""
    options = {"out": "OUT", "seed": settings.seed, "steps": steps}
    options |= {name: getattr(settings, name) for name in ("dialogues", "screens", "threads")}
    return "kdsl nano pretrain " + " ".join(f"--{name} {value}" for name, value in options.items())


class _Trainer:
    """Model, optimizer and where they stand; `save` and the constructor are a checkpoint's two ends."""

    def __init__(
        self, folder: Path, loaded: LoadedModel, collate: Collator, settings: Pretraining, began: float
    ) -> None:
        self._folder, self._loaded, self._settings = folder, loaded, settings
        self.collate = collate
        self._parameters = {name: p.requires_grad_(True) for name, p in loaded.model.named_parameters()}
        decayed = [p for p in self._parameters.values() if p.ndim > 1]
        plain = [p for p in self._parameters.values() if p.ndim <= 1]
        self._optimizer = torch.optim.AdamW(
            [{"params": decayed, "weight_decay": settings.weight_decay}, {"params": plain, "weight_decay": 0.0}],
            lr=settings.learning_rate,
            betas=(0.9, 0.98),
            fused=True,
        )
        self._schedule = Schedule(settings.steps, settings.minutes)
        self._bf16 = torch.cpu._is_avx512_bf16_supported()
        self.step, self.minutes, self._clock = 0, 0.0, began
        self.place = (0, 0)
        if (folder / "state.json").exists():
            self._load()

    @property
    def done(self) -> bool:
        """All steps are made."""
        return self._schedule.steps is not None and self.step >= self._schedule.steps

    def train_step(self, batch: Batch) -> float:
        """One optimizer step; returns the loss."""
        self._schedule.tick(self.step, self.minutes)
        for group in self._optimizer.param_groups:
            group["lr"] = self._settings.learning_rate * self._schedule.factor(self.step)
        model = self._loaded.model.train()
        with torch.autocast("cpu", torch.bfloat16, enabled=self._bf16):
            hidden = model.model(**batch.tensors, use_cache=False).last_hidden_state  # [b, l, d]
            logits = model.lm_head(hidden.flatten(0, 1)[batch.targets.place])  # [n, v]
        loss = weighted_loss(logits.float(), batch.targets, self.collate.masks, self._settings.sharpness)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self._parameters.values(), self._settings.clip)
        self._optimizer.step()
        self._optimizer.zero_grad(set_to_none=True)
        model.eval()
        self.step += 1
        now = time.monotonic()
        self.minutes, self._clock = self.minutes + (now - self._clock) / 60, now
        return float(loss.detach())

    def line(self, loss: float) -> str:
        """Progress in one line."""
        rate = self._settings.learning_rate * self._schedule.factor(self.step - 1)
        return f"step {self.step}/{self._schedule.steps or '?'}  loss {loss:.3f}  lr {rate:.1e}  {self.minutes:.1f} min"

    def save(self) -> None:
        """Write a checkpoint; the state file, last and in one step, makes it valid."""
        self._folder.mkdir(parents=True, exist_ok=True)
        tensors = {f"model/{name}": p.detach() for name, p in self._parameters.items()}
        for name, p in self._parameters.items():
            state = self._optimizer.state[p]
            tensors |= {f"{key}/{name}": value for key, value in state.items()}  # none before its first gradient
        file = f"{self.step}.safetensors"
        save_file(tensors, self._folder / file)
        state = {
            "step": self.step,
            "minutes": self.minutes,
            "steps": self._schedule.steps,
            "place": self.place,
            "file": file,
        }
        write_json(self._folder / "state.json", state)
        for old in self._folder.glob("*.safetensors"):
            if old.name != file:
                old.unlink()

    def _load(self) -> None:
        state: dict[str, Any] = json.loads((self._folder / "state.json").read_text("utf-8"))
        self.step, self.minutes, self._schedule.steps = state["step"], state["minutes"], state["steps"]
        self.place = (state["place"][0], state["place"][1])
        tensors = load_file(self._folder / state["file"])
        with torch.no_grad():
            for name, p in self._parameters.items():
                p.copy_(tensors[f"model/{name}"])
                state_of = {key: tensors[f"{key}/{name}"] for key in _ADAM if f"{key}/{name}" in tensors}
                if state_of:
                    self._optimizer.state[p] = state_of


class _HeldOut:
    """Samples of each task that are not trained on, scored as experts score them."""

    def __init__(
        self, world: World, author: Author, tasks: Sequence[Task], loaded: LoadedModel, settings: Pretraining
    ) -> None:
        rng = random.Random(f"{settings.seed}/exam")
        questions: list[Exercise] = [
            author.intent(row, rng, plain=True) for row in world.held_out_dialogues[: settings.eval_size]
        ]
        questions += [author.scene(row, rng, plain=True) for row in world.held_out_screens[: settings.eval_size]]
        self._parts = [
            (task, LabelScorer(loaded, task, PromptConfig()), [q for q in questions if q.task == task.name])
            for task in tasks
        ]

    def accuracy(self) -> dict[str, float]:
        """Share of right answers per task."""
        result = {}
        for task, scorer, questions in self._parts:
            best = scorer.score_prompts([question.prompt for question in questions]).log_probs.argmax(1)
            right = [task.names[i] == question.answer for i, question in zip(best, questions, strict=True)]
            result[task.name] = sum(right) / len(right)
        return result

    def text(self) -> str:
        """Accuracies in one line."""
        return "  ".join(f"{name} {value:.3f}" for name, value in self.accuracy().items())


def _tokenizer(
    folder: Path, world: World, tasks: Sequence[Task], snippets: Sequence[Document], vocab_size: int
) -> Qwen2Tokenizer:
    """The tokenizer of this run, learned once."""
    if not (folder / "tokenizer.json").exists():
        texts = [turn.text for row in world.dialogues for turn in row.turns]
        texts += [line.text for row in world.screens for line in row.lines]
        texts += [f"{snippet.title}\n{snippet.text}" for snippet in snippets]
        texts += [f"{label.name}\n{label.zh}\n{label.en}" for task in tasks for label in task.labels]
        names = [name for task in tasks for name in task.names]
        train_tokenizer(texts, names, vocab_size).save_pretrained(folder)
    return Qwen2Tokenizer.from_pretrained(folder)


def _start_embeddings(loaded: LoadedModel, world: World, tasks: Sequence[Task], seed: int) -> None:
    """Give the tokens that the world uses their first embeddings (`kdsl.training.nano.embedding_init`)."""
    tokenizer = loaded.tokenizer
    name_ids = {name: tokenizer(name)["input_ids"] for task in tasks for name in task.names}
    rows = [(row.ask, row.label) for row in world.dialogues[:COUNTED]]
    rows += [(line.text, row.label) for row in world.screens[: COUNTED // 10] for line in row.lines]
    rows += [(turn.text, "") for row in world.dialogues[: COUNTED // 4] for turn in row.turns]
    rows += [(label.zh, label.name) for task in tasks for label in task.labels]
    ids = tokenizer([text for text, _ in rows], verbose=False)["input_ids"]
    texts = ((row, name_ids.get(label, ())) for row, (_, label) in zip(ids, rows, strict=True))
    table = loaded.model.get_input_embeddings().weight
    scale = loaded.model.config.text_config.initializer_range
    values, seen = embeddings_from(count_neighbours(texts, len(table)), table.shape[1], scale, seed)
    with torch.no_grad():
        table[seen] = values
