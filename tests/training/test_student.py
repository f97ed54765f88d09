"""The student learns the distribution that scoring ranks by; the teacher is asked once and its answers are kept."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from helpers.tiny_models import KINDS, tiny_folder
from helpers.trainings import losses_of, train, with_training

from kdsl.config import Config, ModelConfig, StudentConfig
from kdsl.errors import BundleError, ConfigError, InputError
from kdsl.evidence.types import Evidence
from kdsl.models.adapters import load_adapter
from kdsl.models.base import LoadedModel, load_base
from kdsl.models.scorer import LabelScorer
from kdsl.tasks import Task
from kdsl.training import teacher as teacher_module
from kdsl.training.examples import make_examples
from kdsl.training.folder import Run
from kdsl.training.student import train_students
from kdsl.training.student_trainer import TreeCollator, distillation_loss
from kdsl.training.teacher import SoftTargets, ask_teachers, read_teacher
from kdsl.training.trainer import run_model

Load = Callable[..., LoadedModel]
NONE = float("nan")


def _soft(evidences: list[Evidence], task: Task, config: StudentConfig | None = None) -> SoftTargets:
    """A teacher that is fairly sure of another label than gold."""
    rows = np.roll(np.eye(3) * 0.7 + 0.1, 1, axis=1)
    said = {e.sample.id: rows[task.index(e.sample.label or "")] for e in evidences}
    return SoftTargets(task, said, config or StudentConfig(alpha=1.0))


def _bare(evidences: list[Evidence]) -> list[Evidence]:
    return [replace(e, sample=replace(e.sample, label=None)) for e in evidences]


def test_the_loss_is_hintons_and_each_sample_has_the_terms_it_can_have() -> None:
    student = torch.tensor([[2.0, 1.0, 0.5], [0.1, 0.2, 3.0], [1.0, 0.0, 0.0]]).double().log_softmax(-1)
    teacher = torch.tensor([[0.7, 0.2, 0.1], [NONE] * 3, [0.2, 0.3, 0.5]]).double()
    gold = torch.tensor([0, 1, -1])
    softened = teacher**0.5 / (teacher**0.5).sum(-1, keepdim=True)
    divergences = (softened * (softened.log() - (student / 2).log_softmax(-1))).sum(-1)
    expected = (0.3 * 4 * (divergences[0] + divergences[2]) - 0.7 * (student[0, 0] + student[1, 1])) / 3
    torch.testing.assert_close(distillation_loss(student, teacher, gold, 0.3, 2.0), expected)
    same = teacher.nan_to_num(1 / 3).log()
    assert float(distillation_loss(same, teacher, gold, 1.0, 5.0)) == pytest.approx(0, abs=1e-9)
    certain = torch.tensor([[1.0, 0.0, 0.0]]).double()  # as predictions are written: a zero is a small number
    assert torch.isfinite(distillation_loss(student[:1], certain, gold[2:], 1.0, 2.0))


@pytest.mark.parametrize("kind", KINDS)
def test_training_sees_the_distribution_that_scoring_ranks_by(
    kind: str, load_tiny: Load, dialogues: list[Evidence], care: Task, small_config: Config
) -> None:
    loaded = load_tiny(kind)
    examples = make_examples(loaded, _bare(dialogues), {care.name: care}, small_config.prompt)
    collate = TreeCollator(loaded, examples, _soft(dialogues, care), dialogues)
    batch = collate([{"number": i} for i in range(9)])
    with torch.no_grad():
        logits = run_model(loaded.model, batch, range(-len(collate.tree) - 1, 0)).logits
    seen = collate.tree.log_probabilities(logits.float()).log_softmax(-1)
    np.testing.assert_allclose(seen, LabelScorer(loaded, care, small_config.prompt).score(dialogues), atol=1e-4)
    assert batch["gold"].tolist() == [care.index(e.sample.label or "") for e in dialogues]


def test_a_student_follows_its_teacher_without_any_label(
    load_tiny: Load, dialogues: list[Evidence], care: Task, small_config: Config, tmp_path: Path
) -> None:
    loaded = load_tiny()
    config = small_config.model_copy(update={"training": small_config.training.model_copy(update={"epochs": 9})})
    soft = _soft(dialogues, care)
    (out,) = train_students(loaded, _bare(dialogues), {care.name: soft}, [care], config, Run(tmp_path))
    assert out == tmp_path / "small" / "adapters" / "care"
    teacher, _ = soft.rows(dialogues)
    scorer = LabelScorer(loaded, care, config.prompt)

    def divergence() -> float:
        return float((teacher * (np.log(teacher) - scorer.score(dialogues))).sum(1).mean())

    before = divergence()
    load_adapter(loaded, out, "student")
    with loaded.using("student"):
        after = divergence()
    assert after < 0.6 * before
    manifest = json.loads((out / "manifest.json").read_text("utf-8"))
    assert (manifest["taught"], manifest["labelled"], manifest["samples"]) == (9, 0, {"care": 9})
    other = SoftTargets(care, dict(list(soft.distributions.items())[1:]), soft.config)
    with pytest.raises(BundleError, match=r"these differ: .*teacher"):
        train_students(loaded, dialogues, {care.name: other}, [care], config, Run(tmp_path))


def test_gold_labels_alone_teach_those_that_the_teacher_left_out(
    load_tiny: Load, dialogues: list[Evidence], care: Task, small_config: Config, tmp_path: Path
) -> None:
    soft = _soft(dialogues[:4], care, StudentConfig())
    mixed = [*_bare(dialogues[:2]), *dialogues[2:7], *_bare(dialogues[7:])]
    (out,) = train_students(load_tiny(), mixed, {care.name: soft}, [care], small_config, Run(tmp_path))
    manifest = json.loads((out / "manifest.json").read_text("utf-8"))
    assert (manifest["taught"], manifest["labelled"], manifest["samples"]) == (4, 5, {"care": 7})
    strange = {care.name: SoftTargets(care, {"elsewhere": np.ones(3) / 3}, StudentConfig())}
    with pytest.raises(InputError, match="says nothing about any of 9 samples of task 'care'"):
        train_students(load_tiny(), dialogues, strange, [care], small_config, Run(tmp_path / "b"))


def test_a_step_weighs_samples_alike_however_it_is_cut_into_batches(
    load_tiny: Load, dialogues: list[Evidence], care: Task, small_config: Config, tmp_path: Path
) -> None:
    soft = {care.name: _soft(dialogues, care, StudentConfig())}
    losses = []
    for batch, accumulation in ((6, 1), (2, 3)):
        sizes = {"batch_size": batch, "gradient_accumulation": accumulation}
        config = with_training(small_config, epochs=1, lora_dropout=0, **sizes)
        (out,) = train_students(load_tiny(), dialogues, soft, [care], config, Run(tmp_path / str(batch)))
        losses.append(losses_of(out))
    assert losses[0] == pytest.approx(losses[1], abs=1e-4)


def test_a_student_trains_in_half_precision(
    dialogues: list[Evidence], care: Task, small_config: Config, tmp_path: Path
) -> None:
    folder = tiny_folder(tmp_path / "model")
    loaded = load_base(ModelConfig(source=str(folder), device="cpu", dtype="bfloat16"))
    soft = {care.name: _soft(dialogues, care, StudentConfig())}
    (out,) = train_students(loaded, dialogues, soft, [care], small_config, Run(tmp_path))
    losses = [json.loads(line)["loss"] for line in (out / "loss.jsonl").read_text("utf-8").splitlines()]
    assert np.isfinite(losses).all()
    assert sum(losses[3:]) < sum(losses[:3])


def test_the_teacher_is_asked_once_and_goes_on_after_a_kill(
    load_tiny: Load,
    dialogues: list[Evidence],
    care: Task,
    small_config: Config,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    loaded = load_tiny()
    train(loaded, dialogues, [care], small_config, tmp_path / "adapters" / "care", seed=1)
    monkeypatch.setattr(teacher_module, "CHUNK", 4)
    asked: list[str] = []
    score = LabelScorer.score

    def counted(self: LabelScorer, evidences: list[Evidence]) -> np.ndarray:
        if kill and len(asked) == 4:
            raise KeyboardInterrupt
        asked.extend(e.sample.id for e in evidences)
        return score(self, evidences)

    monkeypatch.setattr(LabelScorer, "score", counted)

    def ask(evidences: list[Evidence], config: Config = small_config) -> SoftTargets:
        return ask_teachers(loaded, tmp_path, evidences, [care], config, tmp_path / "said")["care"]

    kill = True
    with pytest.raises(KeyboardInterrupt):
        ask(dialogues)
    assert loaded.adapters == ()
    with (tmp_path / "said" / "care.jsonl").open("a") as file:
        file.write('{"id": "s4", "tas')  # the kill came in the middle of a line
    kill = False
    soft = ask(dialogues)
    assert sorted(asked) == sorted(e.sample.id for e in dialogues)
    again = ask(dialogues)
    assert len(asked) == 9
    np.testing.assert_array_equal(again.rows(dialogues)[0], soft.rows(dialogues)[0])

    load_adapter(loaded, tmp_path / "adapters" / "care", "t")
    with loaded.using("t"):
        expected = np.exp(score(LabelScorer(loaded, care, small_config.prompt), dialogues))
    np.testing.assert_allclose(soft.rows(dialogues)[0], expected, atol=1e-4)
    from kdsl.models.adapters import remove_adapter

    remove_adapter(loaded, "t")
    changed = replace(dialogues[0], sample=replace(dialogues[0].sample, turns=dialogues[1].sample.turns))
    ask([changed, *dialogues[1:]])
    assert asked[9:] == ["s0"]
    [picture] = dialogues[1].pictures
    repainted = replace(picture, facts=replace(picture.facts, brightness=picture.facts.brightness + 0.1))
    ask([changed, replace(dialogues[1], pictures=(repainted,)), *dialogues[2:]])
    assert asked[10:] == ["s1"]
    shorter = small_config.model_copy(update={"prompt": small_config.prompt.model_copy(update={"max_tokens": 99})})
    with pytest.raises(ConfigError, match=r"max_tokens=99, then 160"):
        ask(dialogues, shorter)
    with pytest.raises(BundleError, match="no adapters/care"):
        ask_teachers(loaded, tmp_path / "said", dialogues, [care], small_config, tmp_path / "said")


def test_predictions_teach_by_their_distributions(care: Task, tmp_path: Path) -> None:
    def read(*lines: dict[str, object]) -> dict[str, SoftTargets]:
        (tmp_path / "p.jsonl").write_text("\n".join(json.dumps(line) for line in lines), "utf-8")
        return read_teacher(tmp_path / "p.jsonl", [care], StudentConfig())

    names = care.names
    found = read(
        {"id": "a", "task": "care", "distribution": {names[1]: 0.75, names[0]: 0.25}},
        {"id": "b", "task": "care", "error": "no picture"},
        {"id": "c", "task": "scene", "distribution": {"x": 1}},
    )["care"]
    assert found.distributions.keys() == {"a"}
    np.testing.assert_allclose(found.distributions["a"], [0.25, 0.75, 0])
    with pytest.raises(InputError, match=r"line 1 \(id a\): task 'care' has no label '退货'"):
        read({"id": "a", "task": "care", "distribution": {"退货": 1}})
    with pytest.raises(InputError, match=r"has no 'distribution'"):
        read({"id": "a", "task": "care", "label": names[0]})
    with pytest.raises(InputError, match="not one of probabilities"):
        read({"id": "a", "task": "care", "distribution": {names[0]: -1}})
