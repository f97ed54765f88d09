"""A fit makes a whole bundle, resumes after a kill, and a bundle that does not fit is refused."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.torch import load_file, save_file

from kdsl.config import Config
from kdsl.data.sample import Sample
from kdsl.ensemble.bundle import Bundle, open_bundle
from kdsl.ensemble.fit import fit_bundle, fit_inputs, scores_file
from kdsl.ensemble.predictor import Predictor
from kdsl.errors import BudgetError, BundleError, InputError
from kdsl.evidence.types import Evidence
from kdsl.experts.base import Material, Setup
from kdsl.experts.lexical import LexicalExpert
from kdsl.files import file_hash
from kdsl.models.adapters import WEIGHTS
from kdsl.models.roles import Models
from kdsl.rules.book import RuleBook
from kdsl.runs import digest
from kdsl.scores import OutOfFold
from kdsl.tasks import Label, Task


@pytest.fixture
def copy(bundle: Bundle, tmp_path: Path) -> Path:
    return Path(shutil.copytree(bundle.folder, tmp_path / "copy"))


def test_the_bundle_has_every_part_and_hashes_it(bundle: Bundle) -> None:
    files = bundle.manifest["files"]
    for part in ("adapters/ask/adapter_model.safetensors", "rules/screen.yaml", "ensemble.json", "config.json"):
        assert part in files
    assert {"adapters/ask/manifest.json", "index/ask/manifest.json"} <= set(files)
    assert any(name.startswith("index/ask/") for name in files)
    assert not (bundle.folder / "work").exists()
    assert bundle.manifest["tasks"]["ask"] == ["生锈", "补货", "气泡"]
    figures = json.loads((bundle.folder / "report" / "out_of_fold.json").read_text("utf-8"))
    assert {"f1_large", "f1_rules", "f1_retrieval", "f1_lexical", "f1_fused"} <= set(figures["ask"])
    assert "f1_layout" in figures["screen"]
    assert "f1_layout" not in figures["ask"]
    assert "layout/screen/layout.safetensors" in files
    assert not (bundle.folder / "layout" / "ask").exists()


def test_a_killed_fit_continues_and_ends_the_same(
    fit: Callable[[Path], Bundle], bundle: Bundle, said: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    whole = LexicalExpert.fit
    calls = 0

    def dies_at_the_third(self: LexicalExpert, material: Material) -> LexicalExpert:
        nonlocal calls
        calls += 1
        if calls == 3:
            raise Killed
        return whole(self, material)

    with monkeypatch.context() as patch:
        patch.setattr(LexicalExpert, "fit", dies_at_the_third)
        with pytest.raises(Killed):
            fit(tmp_path / "killed")
    assert not (tmp_path / "killed" / "manifest.json").exists()
    with pytest.raises(BundleError, match="a fit that was stopped continues"):
        open_bundle(tmp_path / "killed")
    said.clear()
    again = fit(tmp_path / "killed")
    assert said.count("lexical of screen") == 2  # of three: the first inner fold's was kept
    same = {name: h for name, h in bundle.manifest["files"].items() if name.startswith(("rules", "lexical"))}
    assert same == {name: h for name, h in again.manifest["files"].items() if name in same}
    said.clear()
    fit(tmp_path / "killed")
    assert said == [f"{tmp_path / 'killed'} is finished already"]


def test_other_samples_are_not_mixed_into_a_fit(
    samples: list[Evidence], tasks: list[Task], config: Config, models: Models, copy: Path
) -> None:
    with pytest.raises(BundleError, match=r"holds a fit with other inputs \(these differ: "):
        fit_bundle(samples[:-1], tasks, config, copy, models)


def test_a_fit_in_folds_that_were_given_is_not_one_in_folds_that_are_drawn(
    samples: list[Evidence], tasks: list[Task], config: Config, models: Models, copy: Path
) -> None:
    given = {evidence.sample.id: i % 2 for i, evidence in enumerate(samples)}
    with pytest.raises(BundleError, match=r"these differ: folds"):
        fit_bundle(samples, tasks, config, copy, models, folds=given)
    manifest = json.loads((copy / "manifest.json").read_text("utf-8"))
    manifest["inputs"]["folds"] = digest(given)
    (copy / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    with pytest.raises(BundleError, match=r"these differ: folds"):
        fit_bundle(samples, tasks, config, copy, models)


def test_tasks_may_have_unlike_numbers_of_folds(tmp_path: Path) -> None:
    names, things = ("LATE", "REFUND"), ("bed", "pillow", "blanket", "lamp", "table", "chair")
    many, few = (
        Task(name=name, input="dialogue", prompt="?", labels=tuple(Label(name=label) for label in names))
        for name in ("many", "few")
    )
    asked = {
        task: [
            Evidence(
                Sample.dialogue([f"{label} {thing}"], task=task.name, label=label, id=f"{task.name}-{label}-{thing}"),
                (),
            )
            for label in names
            for thing in things[:n]
        ]
        for task, n in ((many, 6), (few, 2))
    }
    given = {evidence.sample.id: i % 3 for i, evidence in enumerate(asked[many])}
    evidences = [evidence for own in asked.values() for evidence in own]
    bundle = fit_bundle(evidences, [many, few], Config(large=None, small=None), tmp_path / "bundle", folds=given)
    for task in (many, few):
        kept = OutOfFold.load(scores_file(bundle.folder, task))
        assert not np.isnan(kept.scores["lexical"]).any()


def test_a_fit_may_go_on_with_settings_that_change_nothing_learned(
    samples: list[Evidence], tasks: list[Task], config: Config, models: Models, copy: Path, said: list[str]
) -> None:
    frugal = config.training.model_copy(update={"gradient_checkpointing": True, "save_every": 7})
    said.clear()
    fit_bundle(samples, tasks, config.model_copy(update={"training": frugal}), copy, models)
    assert said == [f"{copy} is finished already"]


def test_snippets_and_looks_of_pictures_are_part_of_a_fit(
    samples: list[Evidence], tasks: list[Task], config: Config, models: Models, copy: Path, tmp_path: Path
) -> None:
    snippets = Path(shutil.copytree(config.knowledge.snippets, tmp_path / "snippets"))
    moved = config.model_copy(update={"knowledge": config.knowledge.model_copy(update={"snippets": str(snippets)})})
    setup = Setup(tuple(tasks), moved, models)
    before = fit_inputs(samples, setup)
    faq = snippets / "faq.yaml"
    faq.write_text(faq.read_text("utf-8").replace("您好", "亲，您好"), "utf-8")
    after = fit_inputs(samples, setup)
    assert {key for key in before if before[key] != after[key]} == {"snippets"}
    picture = samples[0].pictures[0]
    other = replace(picture, facts=replace(picture.facts, brightness=picture.facts.brightness + 0.1))
    with pytest.raises(BundleError, match=r"holds a fit with other inputs \(these differ: "):
        fit_bundle([replace(samples[0], pictures=(other,)), *samples[1:]], tasks, config, copy, models)


def test_a_fit_killed_before_its_manifest_keeps_its_folds(
    fit: Callable[[Path], Bundle], said: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    def dies(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr("kdsl.ensemble.fit.write_bundle_manifest", dies)
        with pytest.raises(Killed):
            fit(tmp_path / "killed")
    said.clear()
    assert not any(name.startswith("work") for name in fit(tmp_path / "killed").manifest["files"])
    assert "lexical of screen" not in said
    assert not (tmp_path / "killed" / "work").exists()


def test_a_given_adapter_takes_the_place_of_training(
    samples: list[Evidence], tasks: list[Task], config: Config, models: Models, bundle: Bundle, tmp_path: Path
) -> None:
    ask = bundle.folder / "adapters" / "ask"
    own = Path(shutil.copytree(ask, tmp_path / "own"))
    tensors = load_file(own / WEIGHTS)
    save_file({name: tensor * 0.5 for name, tensor in tensors.items()}, own / WEIGHTS)
    made = fit_bundle(samples, tasks, config, tmp_path / "b", models, {"ask": own})
    assert file_hash(made.folder / "adapters" / "ask" / WEIGHTS) == file_hash(own / WEIGHTS) != file_hash(ask / WEIGHTS)
    assert Predictor(made, models).predict(samples[:2])
    with pytest.raises(BundleError, match=r"holds a fit with other inputs \(these differ: "):
        fit_bundle(samples, tasks, config, tmp_path / "b", models)
    with pytest.raises(InputError, match="given for 'asks'; this fit has: screen, ask"):
        fit_bundle(samples, tasks, config, tmp_path / "c", models, {"asks": own})
    with pytest.raises(BundleError, match="is not an adapter"):
        fit_bundle(samples, tasks, config, tmp_path / "c", models, {"ask": tmp_path})


def test_a_budget_that_holds_no_call_is_refused_before_any_training(
    samples: list[Evidence], tasks: list[Task], config: Config, models: Models, tmp_path: Path
) -> None:
    budget = config.ensemble.budget.model_copy(update={"max_parameters": 1000})
    small = config.model_copy(update={"ensemble": config.ensemble.model_copy(update={"budget": budget})})
    with pytest.raises(BudgetError, match="would pass the limit of 1,000"):
        fit_bundle(samples, tasks, small, tmp_path / "b", models)
    assert not (tmp_path / "b").exists()


def test_too_few_samples_are_refused(
    samples: list[Evidence], tasks: list[Task], config: Config, models: Models, tmp_path: Path
) -> None:
    alike = [e for e in samples if e.sample.label == samples[0].sample.label]
    with pytest.raises(InputError, match=r"has only label .*training needs samples of two labels"):
        fit_bundle(alike, tasks, config, tmp_path / "b", models)


def test_most_labels_may_have_one_sample(
    samples: list[Evidence], tasks: list[Task], config: Config, models: Models, tmp_path: Path
) -> None:
    few: dict[tuple[str, str | None], list[Evidence]] = {}
    for evidence in samples:
        few.setdefault((evidence.sample.task, evidence.sample.label), []).append(evidence)
    first = {task.name: task.names[0] for task in tasks}
    kept = [e for (task, label), group in few.items() for e in group[: 2 if label == first[task] else 1]]
    bundle = fit_bundle(kept, tasks, config, tmp_path / "b", models)
    predictor = Predictor(bundle, models)
    names = {task.name: task.names for task in tasks}
    assert all(found.label in names[found.task] for found in predictor.predict(samples))
    predictor.close()


def test_damage_is_found_but_rules_may_be_edited(copy: Path, models: Models) -> None:
    book = copy / "rules" / "ask.yaml"
    book.write_text(book.read_text("utf-8") + "# looked at by a person\n", "utf-8")
    edited = open_bundle(copy)
    assert edited.versions["edited"] == "rules/ask.yaml"
    RuleBook.load(book)
    (copy / "ensemble.json").write_text("{}")
    with pytest.raises(BundleError, match=r"'ensemble\.json' was changed after the fit"):
        open_bundle(copy)
    (copy / "ensemble.json").unlink()
    with pytest.raises(BundleError, match=r"'ensemble\.json' is missing"):
        open_bundle(copy)


def test_a_bundle_for_another_base_is_refused(bundle: Bundle, models: Models) -> None:
    swapped = Models(models.config.model_copy(update={"large": models.config.small}))
    with pytest.raises(BundleError, match="fitted with a large model of fingerprint"):
        Predictor(bundle, swapped)


def test_a_bundle_made_for_other_labels_is_refused(copy: Path) -> None:
    manifest = json.loads((copy / "manifest.json").read_text("utf-8"))
    manifest["tasks"]["ask"] = ["是", "否"]
    (copy / "manifest.json").write_text(json.dumps(manifest, ensure_ascii=False), "utf-8")
    with pytest.raises(BundleError, match="task 'ask' has other labels"):
        open_bundle(copy)


def test_settings_of_another_kdsl_are_named(copy: Path) -> None:
    settings, manifest = copy / "config.json", json.loads((copy / "manifest.json").read_text("utf-8"))
    settings.write_text(json.dumps({**json.loads(settings.read_text("utf-8")), "old": 1}), "utf-8")
    manifest["files"]["config.json"] = file_hash(settings)
    (copy / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    with pytest.raises(BundleError, match="settings cannot be read by kdsl"):
        open_bundle(copy)


@pytest.mark.parametrize("content", ["{", "[]", "{}", '{"schema": 99, "files": {}}', '{"schema": 5, "files": {}}'])
def test_a_broken_manifest_says_so(copy: Path, content: str) -> None:
    (copy / "manifest.json").write_text(content)
    with pytest.raises(BundleError, match=r"manifest\.json"):
        open_bundle(copy)
