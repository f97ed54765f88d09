"""The benchmark of training: what it hands to trl is what kdsl trains on, and both sides run."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest
from helpers.tiny_models import tiny_folder
from trl import SFTTrainer

from kdsl.config import Config, ModelConfig, PromptConfig
from kdsl.resources import PACKAGE
from kdsl.tasks import Task
from kdsl.training.examples import make_examples

SCRIPT = PACKAGE.parent / "benchmarks" / "train_step.py"


@pytest.mark.skipif(not SCRIPT.is_file(), reason="benchmarks/ is part of a checkout, not of the package")
def test_both_sides_train_on_the_same_tokens(
    intent: Task, small_config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(SCRIPT.parent)
    benchmark = importlib.import_module("train_step")
    config = small_config.model_copy(
        update={
            "large": ModelConfig(source=str(tiny_folder(tmp_path / "tiny")), device="cpu"),
            "prompt": PromptConfig(max_tokens=300, max_pixels=6272),
        }
    )
    job = benchmark.Job(tmp_path, config, intent.model_copy(update={"labels": intent.labels[:3]}), 1)
    tokens = benchmark.prepare(job, per_label=1).tokens

    loaded = job.load()
    examples = make_examples(loaded, job.shown(job.evidences()), {intent.name: job.task}, config.prompt)
    ours = [[*example.prompt_ids.tolist(), *example.answer_ids.tolist()] for example in examples]
    assert tokens == sum(map(len, ours)) / 3
    trainer = SFTTrainer(**benchmark.trl_parts(job, loaded, tmp_path / "out"))
    batch = next(iter(trainer.get_train_dataloader()))
    theirs = [ids[mask == 1].tolist() for ids, mask in zip(batch["input_ids"], batch["attention_mask"], strict=True)]
    assert sorted(ids[:-1] for ids in theirs) == sorted(ours)  # but for the line break after the answer's turn

    for run in benchmark.SIDES.values():
        measured = run(job)
        assert measured.seconds > 0
        assert measured.mib > 100
