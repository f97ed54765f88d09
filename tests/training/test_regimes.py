"""Regimes beside LoRA: what is trained, what is left on disk, and the base and its adapters afterwards."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from helpers.tiny_models import KINDS
from helpers.trainings import killed_at, losses_of, train, weights_of, with_training
from safetensors.torch import load_file, save_file

from kdsl.config import Config
from kdsl.ensemble.budget import Ledger
from kdsl.errors import BundleError, ConfigError, MissingDependency
from kdsl.evidence.types import Evidence
from kdsl.models.adapters import adapter_on, count_parameters, count_replaced, load_adapter, remove_adapter
from kdsl.models.base import LoadedModel
from kdsl.models.scorer import LabelScorer
from kdsl.tasks import Task
from kdsl.training.folder import half_epoch, half_epochs
from kdsl.training.regimes import trained_parameters

Load = Callable[..., LoadedModel]
FREEZE = {"regime": "freeze", "last_layers": 1, "learning_rate": 1e-3}
FULL = {"regime": "full", "learning_rate": 1e-3}


@pytest.mark.parametrize(("kind", "regime"), [(KINDS[0], FREEZE), (KINDS[1], FULL), (KINDS[2], FREEZE)])
def test_a_delta_is_trained_loaded_and_taken_off_like_an_adapter(
    kind: str,
    regime: dict[str, Any],
    load_tiny: Load,
    dialogues: list[Evidence],
    care: Task,
    small_config: Config,
    tmp_path: Path,
) -> None:
    loaded, config = load_tiny(kind), with_training(small_config, **regime)
    before = weights_of(loaded)
    scorer = LabelScorer(loaded, care, config.prompt)
    bare = scorer.score(dialogues)
    lora = train(loaded, dialogues, [care], small_config, tmp_path / "lora", seed=1)
    load_adapter(loaded, lora, "lora")
    with loaded.using("lora"):
        adapted = scorer.score(dialogues)
        out = train(loaded, dialogues, [care], config, tmp_path / "delta", seed=1)
        assert (scorer.score(dialogues) == adapted).all()
    assert sorted(path.name for path in out.iterdir()) == [
        "delta.safetensors",
        "kdsl_base.json",
        "loss.jsonl",
        "manifest.json",
    ]
    delta = load_file(out / "delta.safetensors")
    if regime["regime"] == "freeze":
        assert all(name.startswith("model.language_model.layers.1.") for name in delta)
    else:
        assert {name.split(".")[2] for name in delta} == {"layers", "embed_tokens", "norm"}
    assert sum(losses_of(out)[-3:]) < sum(losses_of(out)[:3])

    load_adapter(loaded, out, "delta")
    with loaded.using("delta"):
        trained = scorer.score(dialogues)
        with loaded.using("lora"):
            assert (scorer.score(dialogues) == adapted).all()
        assert (scorer.score(dialogues) == trained).all()
    gold = [care.index(evidence.sample.label or "") for evidence in dialogues]
    assert trained[range(9), gold].mean() > bare[range(9), gold].mean()
    assert count_parameters(loaded, "delta") == count_replaced(loaded, "delta") == sum(map(torch.numel, delta.values()))
    remove_adapter(loaded, "lora")
    with loaded.using("delta"):
        np.testing.assert_allclose(scorer.score(dialogues), trained, atol=1e-6)
    remove_adapter(loaded, "delta")
    after = weights_of(loaded)
    assert all(torch.equal(after[name], before[name]) for name in before)
    assert not any(parameter.requires_grad for parameter in loaded.model.parameters())


def test_a_killed_training_of_weights_resumes_and_keeps_half_epochs(
    load_tiny: Load,
    dialogues: list[Evidence],
    care: Task,
    small_config: Config,
    tmp_path: Path,
) -> None:
    config = with_training(small_config, **FREEZE, balance="uniform")
    loaded = load_tiny()
    before = weights_of(loaded)
    whole = train(loaded, dialogues, [care], config, tmp_path / "whole", seed=5, halves=True)
    with killed_at(3):
        train(loaded, dialogues, [care], config, tmp_path / "cut", seed=5)
    assert all(torch.equal(tensor, before[name]) for name, tensor in weights_of(loaded).items())
    torch.manual_seed(999)
    cut = train(loaded, dialogues, [care], config, tmp_path / "cut", seed=5)
    assert losses_of(cut) == pytest.approx(losses_of(whole), abs=1e-4)
    for name, tensor in load_file(whole / "delta.safetensors").items():
        torch.testing.assert_close(load_file(cut / "delta.safetensors")[name], tensor, rtol=0, atol=1e-5)
    assert half_epochs(whole) == [0.5, 1.0, 1.5, 2.0]
    with adapter_on(loaded, half_epoch(whole, 1.0)):
        assert LabelScorer(loaded, care, config.prompt).score(dialogues).shape == (9, 3)


def test_half_precision_trains_in_float32_and_leaves_its_own_type(
    load_tiny: Load, dialogues: list[Evidence], care: Task, small_config: Config, tmp_path: Path
) -> None:
    loaded = load_tiny()
    loaded.model.to(torch.bfloat16)
    loaded.dtype = torch.bfloat16
    out = train(loaded, dialogues[:6], [care], with_training(small_config, **FULL, epochs=1), tmp_path, seed=1)
    assert {tensor.dtype for tensor in load_file(out / "delta.safetensors").values()} == {torch.bfloat16}
    assert {parameter.dtype for parameter in loaded.model.parameters()} == {torch.bfloat16}


def test_checkpointing_changes_nothing_that_is_learned_and_nothing_of_the_model(
    load_tiny: Load, dialogues: list[Evidence], care: Task, small_config: Config, tmp_path: Path
) -> None:
    loaded, config = load_tiny(), with_training(small_config, epochs=1, lora_dropout=0.0)
    kept = train(loaded, dialogues, [care], config, tmp_path / "kept", seed=1)
    again = with_training(config, gradient_checkpointing=True)
    made = train(loaded, dialogues, [care], again, tmp_path / "made", seed=1)
    assert losses_of(made) == pytest.approx(losses_of(kept), abs=1e-5)
    assert not loaded.model.is_activation_checkpointing
    assert not loaded.model.get_input_embeddings()._forward_hooks
    assert train(loaded, dialogues, [care], again, kept, seed=1) == kept  # finished, not other inputs


def test_the_budget_counts_replaced_weights_once_and_both_where_both_are_touched(small_config: Config) -> None:
    ledger = Ledger(small_config.ensemble.budget)
    under_a_delta, bare = {"base": 6, "adapter:care": 4}, {"base": 10}
    ledger.book("large", 1, under_a_delta)
    assert ledger.spend.parameters == 10
    ledger.book("small", 1, bare)
    ledger.book("large", 1, under_a_delta)
    assert ledger.spend.parameters == 14


def test_a_delta_of_another_model_is_refused(
    load_tiny: Load, dialogues: list[Evidence], care: Task, small_config: Config, tmp_path: Path
) -> None:
    loaded = load_tiny()
    save_file({"model.language_model.layers.7.mlp.weight": torch.ones(2)}, tmp_path / "delta.safetensors")
    with pytest.raises(BundleError, match=r"has no such tensor"):
        load_adapter(loaded, tmp_path, "strange")
    (tmp_path / "delta.safetensors").write_bytes(b"torn")
    with pytest.raises(BundleError, match=r"cannot be read"):
        load_adapter(loaded, tmp_path, "strange")
    assert loaded.adapters == ()


def test_quantised_weights_cannot_be_trained(load_tiny: Load, small_config: Config) -> None:
    loaded = load_tiny()
    mlp = loaded.model.model.language_model.layers[1].mlp
    mlp.up_proj.weight = torch.nn.Parameter(mlp.up_proj.weight.to(torch.uint8), requires_grad=False)
    with pytest.raises(ConfigError, match=r"quantize: none"):
        trained_parameters(loaded.model, with_training(small_config, **FREEZE).training)


def test_curves_go_to_tensorboard_where_a_training_reports(
    load_tiny: Load, dialogues: list[Evidence], care: Task, small_config: Config, tmp_path: Path
) -> None:
    config = with_training(small_config, epochs=1)
    out = train(load_tiny(), dialogues, [care], config, tmp_path / "a", seed=1, report=True)
    (events,) = (out / "logs").iterdir()
    assert b"train/loss" in events.read_bytes()
    quiet = with_training(config, report_to="none")
    assert not (train(load_tiny(), dialogues, [care], quiet, tmp_path / "b", seed=1, report=True) / "logs").exists()


@pytest.mark.skipif(find_spec("wandb") is not None, reason="wandb is here")
def test_reporting_to_wandb_names_the_package_that_is_missing(
    load_tiny: Load, dialogues: list[Evidence], care: Task, small_config: Config, tmp_path: Path
) -> None:
    config = with_training(small_config, report_to="wandb")
    with pytest.raises(MissingDependency, match=r"kdsl\[wandb\]"):
        train(load_tiny(), dialogues, [care], config, tmp_path, seed=1, report=True)


@pytest.mark.skipif(find_spec("wandb") is None, reason="wants kdsl[wandb]")
def test_each_training_is_a_run_of_wandb_without_code_or_samples(
    load_tiny: Load,
    dialogues: list[Evidence],
    care: Task,
    small_config: Config,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("WANDB_PROJECT", "WANDB_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "secret.py").write_text("unsaved = 1\n")
    for command in (["init", "-q"], ["add", "."], ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "a"]):
        subprocess.run(["git", *command], check=True)
    (tmp_path / "secret.py").write_text("unsaved = 2\n")
    config = with_training(small_config, epochs=1, report_to="wandb")
    loaded = load_tiny()
    for name in ("one", "two"):
        train(loaded, dialogues, [care], config, Path("out") / "adapters" / name, seed=1, report=True)
    runs = sorted((tmp_path / "wandb").glob("offline-run-*"))
    assert len(runs) == 2
    for run, name in zip(runs, ("one", "two"), strict=True):
        (log,) = run.glob("*.wandb")
        written = log.read_bytes()
        for told in (b"kdsl", f"out/adapters/{name}".encode(), b"train/loss", b"logit_adjustment"):
            assert told in written
        assert not any(turn.text.encode() in written for evidence in dialogues for turn in evidence.sample.turns)
        assert b"unsaved" not in written
        assert [path.name for path in (run / "files").iterdir()] == ["requirements.txt"]
