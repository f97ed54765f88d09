"""Adapters: trained, interrupted, resumed, refused; the base model stays what it was."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from helpers.tiny_models import KINDS
from helpers.trainings import killed_at, losses_of, train, weights_of, with_training

from kdsl.config import Config
from kdsl.errors import BundleError, InputError
from kdsl.evidence.types import Evidence
from kdsl.models.adapters import load_adapter
from kdsl.models.base import LoadedModel
from kdsl.models.scorer import LabelScorer
from kdsl.tasks import Task
from kdsl.training import lora as lora_module
from kdsl.training import trainer as trainer_module
from kdsl.training.examples import IGNORED, make_examples
from kdsl.training.folder import Run, half_epoch, half_epochs
from kdsl.training.job import TrainingJob
from kdsl.training.lora import train_adapters
from kdsl.training.regimes import target_modules, trainee
from kdsl.training.trainer import LabelTrainer, run_model, training_arguments, undo_patches

Load = Callable[..., LoadedModel]


@pytest.mark.parametrize("kind", KINDS)
def test_an_adapter_learns_its_labels_and_leaves_the_base_alone(
    kind: str, load_tiny: Load, dialogues: list[Evidence], care: Task, small_config: Config, tmp_path: Path
) -> None:
    loaded = load_tiny(kind)
    before = weights_of(loaded)
    out = train(loaded, dialogues, [care], with_training(small_config, epochs=9), tmp_path / "care", seed=1)
    after = weights_of(loaded)
    assert after.keys() == before.keys()
    assert all(torch.equal(after[name], before[name]) for name in before)
    assert loaded.peft is None
    assert not any(parameter.requires_grad for parameter in loaded.model.parameters())
    assert "forward" not in vars(loaded.model)

    losses = losses_of(out)
    assert len(losses) == 27
    assert sum(losses[-3:]) < 0.75 * sum(losses[:3])
    scorer = LabelScorer(loaded, care, small_config.prompt)
    gold = [care.index(evidence.sample.label or "") for evidence in dialogues]
    bare = scorer.score(dialogues)[range(9), gold].mean()
    load_adapter(loaded, out, "care")
    with loaded.using("care"):
        trained = scorer.score(dialogues)[range(9), gold].mean()
    assert trained > bare + 0.3


def test_what_a_prompt_says_of_labels_is_part_of_a_training(
    load_tiny: Load, dialogues: list[Evidence], care: Task, small_config: Config
) -> None:
    loaded = load_tiny()
    first, *others = care.labels
    hinted = care.model_copy(update={"labels": (first.model_copy(update={"hint": "of pots alone"}), *others)})

    def inputs(task: Task, list_labels: bool) -> dict[str, Any]:
        prompt = small_config.prompt.model_copy(update={"list_labels": list_labels})
        return TrainingJob(loaded, dialogues, [task], small_config.model_copy(update={"prompt": prompt})).inputs

    assert inputs(hinted, list_labels=False) == inputs(care, list_labels=False)
    told, bare = inputs(hinted, list_labels=True), inputs(care, list_labels=True)
    assert {key for key in told if told[key] != bare[key]} == {"tasks"}


def test_the_folder_is_pefts_with_a_manifest_and_nothing_else(
    load_tiny: Load, dialogues: list[Evidence], care: Task, small_config: Config, tmp_path: Path
) -> None:
    loaded = load_tiny("qwen2_5_vl")
    out = train(loaded, dialogues, [care], with_training(small_config, epochs=1), tmp_path / "care", seed=1)
    assert sorted(path.name for path in out.iterdir()) == [
        "adapter_config.json",
        "adapter_model.safetensors",
        "kdsl_base.json",
        "loss.jsonl",
        "manifest.json",
    ]
    manifest = json.loads((out / "manifest.json").read_text("utf-8"))
    assert manifest["base_fingerprint"] == loaded.fingerprint
    assert manifest["seed"] == 1
    assert manifest["samples"] == {"care": 9}
    assert manifest["steps"] == 3
    from safetensors import safe_open

    with safe_open(out / "adapter_model.safetensors", framework="pt") as file:
        names = list(file.keys())
    assert all("language_model" in name for name in names)
    assert len(names) == 2 * 7 * 2  # two layers, seven linear layers each, A and B


@pytest.mark.parametrize("kind", KINDS)
def test_targets_are_the_language_models_linear_layers(kind: str, load_tiny: Load) -> None:
    assert target_modules(load_tiny(kind).model) == [
        "down_proj",
        "gate_proj",
        "k_proj",
        "o_proj",
        "q_proj",
        "up_proj",
        "v_proj",
    ]


@pytest.fixture(scope="module")
def whole(
    load_tiny: Load,
    dialogues: list[Evidence],
    care: Task,
    small_config: Config,
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """An adapter whose training nothing interrupted."""
    folder = tmp_path_factory.mktemp("whole")
    return train(load_tiny(), dialogues, [care], small_config, folder, seed=5)


@pytest.mark.parametrize("killed_after", [1, 3, 5])  # before a checkpoint, within an epoch, in the second epoch
def test_a_killed_training_resumes_with_the_losses_it_would_have_had(
    killed_after: int,
    whole: Path,
    load_tiny: Load,
    dialogues: list[Evidence],
    care: Task,
    small_config: Config,
    tmp_path: Path,
) -> None:
    out = tmp_path / "cut"
    with killed_at(killed_after):
        train(load_tiny(), dialogues, [care], small_config, out, seed=5)
    assert not (out / "manifest.json").exists()
    saved = killed_after // 2 * 2
    assert (out / "checkpoints" / f"checkpoint-{saved}").is_dir() == (saved > 0)

    torch.manual_seed(999)  # a new process has another random state
    train(load_tiny(), dialogues, [care], small_config, out, seed=5)
    assert losses_of(out) == pytest.approx(losses_of(whole), abs=1e-3)
    assert not (out / "checkpoints").exists()
    from safetensors.torch import load_file

    cut, full = (load_file(folder / "adapter_model.safetensors") for folder in (out, whole))
    for name, tensor in full.items():
        torch.testing.assert_close(cut[name], tensor, rtol=0, atol=1e-4)


@pytest.mark.parametrize("length", [{"epochs": 4, "stop": 1.0}, {"epochs": 0.6}], ids=["stopped", "within an epoch"])
def test_a_training_killed_after_its_last_step_takes_no_further_one(
    length: dict[str, float],
    load_tiny: Load,
    dialogues: list[Evidence],
    care: Task,
    small_config: Config,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    config = with_training(small_config, save_every=1, **length)
    whole = train(load_tiny(), dialogues, [care], config, tmp_path / "whole", seed=5)

    def kill(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(lora_module, "finish", kill)
        with pytest.raises(KeyboardInterrupt):
            train(load_tiny(), dialogues, [care], config, tmp_path / "cut", seed=5)
    cut = train(load_tiny(), dialogues, [care], config, tmp_path / "cut", seed=5)
    assert losses_of(cut) == pytest.approx(losses_of(whole), abs=1e-3)


def test_half_epochs_are_kept_as_trainings_that_stopped_there(
    whole: Path, load_tiny: Load, dialogues: list[Evidence], care: Task, small_config: Config, tmp_path: Path
) -> None:
    from safetensors.torch import load_file

    loaded, out = load_tiny(), tmp_path / "care"
    train(loaded, dialogues, [care], small_config, out, seed=5, halves=True)
    assert half_epochs(out) == [0.5, 1.0, 1.5, 2.0]
    assert losses_of(out) == pytest.approx(losses_of(whole), abs=1e-6)  # keeping changes nothing
    stopped = train(loaded, dialogues, [care], with_training(small_config, stop=1.0), tmp_path / "stopped", seed=5)
    kept, anew = (load_file(folder / "adapter_model.safetensors") for folder in (half_epoch(out, 1.0), stopped))
    for name, tensor in anew.items():
        torch.testing.assert_close(kept[name], tensor, rtol=0, atol=1e-5)
    assert losses_of(half_epoch(out, 1.0)) == pytest.approx(losses_of(stopped), abs=1e-6)
    # a kept one is that training, finished: it is not made again
    before = (half_epoch(out, 1.0) / "adapter_model.safetensors").stat().st_mtime_ns
    train(loaded, dialogues, [care], with_training(small_config, stop=1.0), half_epoch(out, 1.0), seed=5)
    assert (half_epoch(out, 1.0) / "adapter_model.safetensors").stat().st_mtime_ns == before


def test_text_of_pictures_can_be_in_training_prompts_alone(
    load_tiny: Load, dialogues: list[Evidence], care: Task, small_config: Config, tmp_path: Path
) -> None:
    without = small_config.model_copy(update={"prompt": small_config.prompt.model_copy(update={"ocr": False})})
    losses = {
        name: losses_of(train(load_tiny(), dialogues, [care], config, tmp_path / name, seed=5))
        for name, config in {
            "both": small_config,
            "training": with_training(without, ocr=True),
            "neither": without,
        }.items()
    }
    assert losses["training"] == pytest.approx(losses["both"], abs=1e-6)
    assert losses["neither"] != pytest.approx(losses["both"], abs=1e-3)


def test_a_torn_checkpoint_is_passed_over(
    whole: Path,
    load_tiny: Load,
    dialogues: list[Evidence],
    care: Task,
    small_config: Config,
    tmp_path: Path,
) -> None:
    torn = tmp_path / "cut" / "checkpoints" / "checkpoint-4"
    torn.mkdir(parents=True)
    (torn / "trainer_state.json").write_text('{"epoch": 1.', "utf-8")
    out = train(load_tiny(), dialogues, [care], small_config, tmp_path / "cut", seed=5)
    assert losses_of(out) == pytest.approx(losses_of(whole), abs=1e-3)


def test_a_finished_adapter_is_not_trained_again(
    load_tiny: Load,
    dialogues: list[Evidence],
    care: Task,
    small_config: Config,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    loaded = load_tiny()
    config = with_training(small_config, epochs=1)
    out = train(loaded, dialogues, [care], config, tmp_path / "care", seed=1)
    written = (out / "adapter_model.safetensors").stat().st_mtime_ns
    monkeypatch.setattr(trainer_module, "LabelTrainer", None)  # nothing may be trained from here on
    assert train(loaded, dialogues, [care], config, out, seed=1) == out
    # how often checkpoints are written does not change what is learned
    train(loaded, dialogues, [care], with_training(config, save_every=7), out, seed=1)
    assert (out / "adapter_model.safetensors").stat().st_mtime_ns == written
    for changed in ({"seed": 2}, {"config": with_training(config, lora_r=8)}, {"evidences": dialogues[:-1]}):
        arguments = {"evidences": dialogues, "config": config, "seed": 1} | changed
        with pytest.raises(BundleError, match=r"these differ: (seed|training|data)"):
            train(loaded, tasks=[care], out=out, **arguments)  # type: ignore[arg-type]


def test_an_unfinished_training_of_other_inputs_is_refused_unless_discarded(
    load_tiny: Load, dialogues: list[Evidence], care: Task, small_config: Config, tmp_path: Path
) -> None:
    config = with_training(small_config, epochs=1)
    out = tmp_path / "care"
    (out / "checkpoints" / "checkpoint-9").mkdir(parents=True)
    (out / "inputs.json").write_text(json.dumps({"seed": 3}), "utf-8")
    with pytest.raises(BundleError, match="unfinished training"):
        train(load_tiny(), dialogues, [care], config, out, seed=1)
    train(load_tiny(), dialogues, [care], config, out, seed=1, resume=False)
    assert len(losses_of(out)) == 3


def test_one_seed_gives_one_adapter_and_another_seed_another(
    load_tiny: Load, dialogues: list[Evidence], care: Task, small_config: Config, tmp_path: Path
) -> None:
    config = with_training(small_config, epochs=1)
    runs = [
        losses_of(train(load_tiny(), dialogues, [care], config, tmp_path / str(i), seed=seed))
        for i, seed in enumerate((1, 1, 2))
    ]
    assert runs[0] == runs[1]
    assert runs[0] != runs[2]


def test_adapters_that_were_loaded_before_survive_a_training(
    load_tiny: Load, dialogues: list[Evidence], care: Task, small_config: Config, tmp_path: Path
) -> None:
    config = with_training(small_config, epochs=1)
    loaded = load_tiny()
    alone = train(loaded, dialogues, [care], config, tmp_path / "alone", seed=2)
    first = train(loaded, dialogues, [care], config, tmp_path / "first", seed=1)
    load_adapter(loaded, first, "first")
    scorer = LabelScorer(loaded, care, config.prompt)
    bare = scorer.score(dialogues)
    with loaded.using("first"):
        adapted = scorer.score(dialogues)
        second = train(loaded, dialogues, [care], config, tmp_path / "second", seed=2)
        assert (scorer.score(dialogues) == adapted).all()
    assert (scorer.score(dialogues) == bare).all()
    assert loaded.adapters == ("first",)
    assert losses_of(second) == pytest.approx(losses_of(alone), abs=1e-5)  # not trained on top of the first


def test_preflight_lists_all_that_stands_in_the_way(
    load_tiny: Load,
    dialogues: list[Evidence],
    care: Task,
    intent: Task,
    small_config: Config,
    tmp_path: Path,
    make_evidence: Callable[..., Evidence],
) -> None:
    odd = make_evidence("odd", "退款页", turns=(("user", "退款"),), task="care")
    with pytest.raises(InputError) as caught:
        train(load_tiny(), [*dialogues, odd], [care, intent], small_config, tmp_path / "a", seed=1)
    message = str(caught.value)
    assert "task 'intent' has no labelled sample" in message
    assert "sample 'odd'" in message
    assert "Did you mean 退款?" in message
    with pytest.raises(InputError, match="only label '退款'"):
        train(load_tiny(), dialogues[1:2], [care], small_config, tmp_path / "a", seed=1)
    assert not (tmp_path / "a").exists()


def test_strategies_write_one_adapter_a_task_or_one_for_all(
    load_tiny: Load, dialogues: list[Evidence], care: Task, small_config: Config, tmp_path: Path
) -> None:
    from dataclasses import replace

    other = care.model_copy(update={"name": "other", "prompt": "选一个标签。"})
    both = dialogues + [replace(e, sample=replace(e.sample, task="other")) for e in dialogues[:6]]
    loaded, config = load_tiny(), with_training(small_config, epochs=1)
    separate = train_adapters(loaded, both, [care, other], config, Run(tmp_path))
    assert [path.relative_to(tmp_path).as_posix() for path in separate] == ["adapters/care", "adapters/other"]
    together = with_training(config, strategy="joint")
    joint = train_adapters(loaded, both, [care, other], together, Run(tmp_path))
    assert joint == [tmp_path / "adapters" / "joint"]
    manifest = json.loads((joint[0] / "manifest.json").read_text("utf-8"))
    assert manifest["samples"] == {"care": 9, "other": 6}
    assert manifest["steps"] == 5


@pytest.mark.parametrize("checkpointing", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_gradients_are_those_of_the_plain_model(
    kind: str,
    checkpointing: bool,
    load_tiny: Load,
    dialogues: list[Evidence],
    care: Task,
    small_config: Config,
    tmp_path: Path,
) -> None:
    """Rows that the loss does not read are left out of the last layer and of the vocabulary: nothing may change."""
    loaded = load_tiny(kind)
    training = small_config.training.model_copy(update={"lora_dropout": 0.0, "gradient_checkpointing": checkpointing})
    examples = make_examples(loaded, dialogues, {"care": care}, small_config.prompt)
    with trainee(loaded, training, 1) as learner:
        for name, parameter in learner.model.named_parameters():
            if "lora_B" in name:  # zero at the start, which hides half of the gradients
                torch.nn.init.normal_(parameter, std=0.02)
        arguments = training_arguments(tmp_path, loaded, training, 1, len(examples))
        trainer = LabelTrainer(learner, loaded, examples, args=arguments)
        batch = trainer.data_collator([{"number": i} for i in range(len(examples))])
        learner.model.train()
        trainer.current_gradient_accumulation_steps = 1
        loss = trainer.training_step(learner.model, dict(batch))
        mine = {n: p.grad.clone() for n, p in learner.model.named_parameters() if p.grad is not None}
        learner.model.zero_grad()
        width, answer = batch["input_ids"].shape[1], batch["labels"].shape[1]
        logits = run_model(learner.model, batch, range(-width, 0)).logits[:, -answer - 1 : -1].float()
        plain = torch.nn.functional.cross_entropy(logits.flatten(0, 1), batch["labels"].flatten(), ignore_index=IGNORED)
        plain.backward()
        torch.testing.assert_close(loss, plain.detach())
        assert len(mine) > 10
        for name, parameter in learner.model.named_parameters():
            if parameter.grad is not None:
                torch.testing.assert_close(mine[name], parameter.grad, rtol=1e-4, atol=1e-6, msg=name)
        undo_patches(loaded.model)
