"""A bundle without any labelled sample predicts, says what it rests on, and says nothing that it cannot know."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from helpers.materials import NO_MODELS

from kdsl import Recognizer, Sample
from kdsl.config import Config
from kdsl.ensemble.bundle import Bundle
from kdsl.ensemble.fit import fit_bundle
from kdsl.ensemble.predictor import Predictor
from kdsl.ensemble.router import load_routers
from kdsl.ensemble.unlabelled import without_idle_models
from kdsl.errors import ConfigError, InputError
from kdsl.evidence.types import Evidence
from kdsl.experts.base import Setup
from kdsl.models.roles import Models
from kdsl.tasks import Task

LABELS = {
    "LATE_PARCEL": "The parcel has not arrived; asks where it is or when it will be delivered",
    "REFUND": "Wants the money back for something that was bought",
    "是否会生锈": "问锅、刀等会不会生锈",
    "适用季节": "问适合什么季节穿，冬天冷不冷",
}
ASKED = {
    "my order still has not been delivered": "LATE_PARCEL",
    "please give me my money back": "REFUND",
    "这个锅用久了长锈吗": "是否会生锈",
    "夏天能穿吗": "适用季节",
}


@pytest.fixture(scope="module")
def task_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    labels = [{"name": name, "description": text} for name, text in LABELS.items()]
    task = {"name": "shop", "input": "dialogue", "prompt": "What is asked?", "labels": labels}
    path = tmp_path_factory.mktemp("tasks") / "shop.yaml"
    path.write_text(yaml.safe_dump(task, allow_unicode=True), "utf-8")
    return path


@pytest.fixture(scope="module")
def first(task_file: Path) -> Path:
    """A bundle of labels with descriptions, and nothing else."""
    out = task_file.parent / "bundle"
    Recognizer.fit(task_file=task_file, config=NO_MODELS, out=out).close()
    return out


def test_descriptions_alone_tell_labels_in_both_languages(first: Path) -> None:
    with Recognizer.load(first) as opened:
        found = opened.predict([Sample.dialogue([text], id=text) for text in ASKED])
        assert {one.id: one.label for one in found} == ASKED
        assert {one.in_scope for one in found} == {None}
        assert all(one.abstained == (one.probability < NO_MODELS.ensemble.target_accuracy) for one in found)
        assert "semantic" in found[0].explain()
        assert opened.predict(Sample.dialogue(["<http>"])).abstained  # no text: every label is alike


def test_the_report_says_what_it_rests_on_and_what_is_not_known(first: Path) -> None:
    found = json.loads((first / "report" / "without_samples.json").read_text("utf-8"))["shop"]
    basis = {expert: rests["basis"] for expert, rests in found["rests_on"].items()}
    assert set(basis) == {"rules", "retrieval", "semantic"}
    assert basis["rules"] == "an empty rule book, to which rules may be added"
    assert basis["semantic"] == "the names of 4 labels, 4 of them with descriptions"
    assert basis["retrieval"].endswith("documents of the synthetic world")  # it knows two of the four labels
    assert [found[name] for name in ("f1_fused", "accuracy", "in_scope")] == [None] * 3
    assert json.loads((first / "report" / "out_of_fold.json").read_text("utf-8")) == {}


def test_a_rule_that_is_added_by_hand_counts(task_file: Path, tmp_path: Path) -> None:
    Recognizer.fit(task_file=task_file, config=NO_MODELS, out=tmp_path / "b").close()
    book = tmp_path / "b" / "rules" / "shop.yaml"
    raw = yaml.safe_load(book.read_text("utf-8"))
    when = {"all": ["a user turn contains the word 「chargeback」"]}
    raw["rules"] = [{"id": "mine", "label": "REFUND", "when": when, "weight": 3.0, "origin": {"how": "hand"}}]
    book.write_text(yaml.safe_dump(raw, allow_unicode=True), "utf-8")
    with Recognizer.load(tmp_path / "b") as opened:
        found = opened.predict(Sample.dialogue(["my parcel has not arrived, chargeback"]))
    assert found.label == "REFUND"
    assert [rule.id for rule in found.trace.rules] == ["mine"]


def test_books_of_ones_own_are_taken_with_and_without_samples(task_file: Path, tmp_path: Path) -> None:
    rule = {"label": "REFUND", "when": {"all": ["a user turn contains the word 「chargeback」"]}, "weight": 3.0}
    rules = [rule | {"id": "mine", "origin": {"how": "hand"}}, rule | {"id": "m-1", "origin": {"how": "mined"}}]
    book = {"task": "shop", "labels": list(LABELS), "rules": rules}
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "shop.yaml").write_text(yaml.safe_dump(book, allow_unicode=True), "utf-8")
    rules_config = NO_MODELS.rules.model_copy(update={"books": str(tmp_path / "mine")})
    config = NO_MODELS.model_copy(update={"rules": rules_config})
    with Recognizer.fit(task_file=task_file, config=config, out=tmp_path / "b") as opened:
        assert [rule.id for rule in opened.rules["shop"].rules] == ["mine", "m-1"]
        report = json.loads((tmp_path / "b" / "report" / "without_samples.json").read_text("utf-8"))["shop"]
        assert report["rests_on"]["rules"]["basis"] == "2 rules of one's own book"
        assert report["rests_on"]["semantic"]["weight"] == pytest.approx(3**-0.5)
    few = [Sample.dialogue([text], label=label, id=text) for text, label in ASKED.items()]
    few += [Sample.dialogue([f"{text}?"], label=label, id=f"{text}?") for text, label in ASKED.items()]
    more = [Sample.dialogue([f"please, {text}"], label=label, id=f"p {text}") for text, label in ASKED.items()]
    with Recognizer.fit([*few, *more], task_file=task_file, config=config, out=tmp_path / "c") as opened:
        kept = {rule.id for rule in opened.rules["shop"].rules}
        assert "mine" in kept
        assert "m-1" not in kept  # mined rules are mined again
    (tmp_path / "mine" / "shop.yaml").rename(tmp_path / "mine" / "shops.yaml")
    with pytest.raises(ConfigError, match=r"holds no rule book of a task of this fit; expected shop\.yaml"):
        Recognizer.fit(task_file=task_file, config=config, out=tmp_path / "d")


def test_samples_without_a_label_are_not_learned_from_and_that_is_said(
    task_file: Path, first: Path, tmp_path: Path, said: list[str]
) -> None:
    samples = [Sample.dialogue([text], id=text) for text in ASKED]
    with pytest.raises(InputError, match="have no label"):
        Recognizer.fit(samples, config=NO_MODELS, out=tmp_path / "b")
    said.clear()
    with Recognizer.fit(samples, task_file=task_file, config=NO_MODELS, out=tmp_path / "b") as opened:
        assert opened.bundle.manifest["id"] == Recognizer.load(first).bundle.manifest["id"]
    assert any(line.startswith("4 samples have no label and are not learned from") for line in said)


@pytest.mark.parametrize("name", ["shop.csv", "shop.jsonl"])
def test_rows_without_a_label_are_left_out_and_named_by_their_lines(tmp_path: Path, said: list[str], name: str) -> None:
    rows = [{"text": f"{text} {n}", "label": f"own {label}"} for n in range(4) for text, label in ASKED.items()]
    assert len({row["label"] for row in rows}) > 1
    rows[5:5] = [{"text": "hello", "label": ""}]
    rows += [{"text": "good morning", "label": ""}]
    data = tmp_path / name
    if name.endswith(".csv"):
        data.write_text("\n".join(["text,label", *(f"{row['text']},{row['label']}" for row in rows)]), "utf-8")
        lines = 7, len(rows) + 1
    else:
        data.write_text("\n".join(map(json.dumps, rows)), "utf-8")
        lines = 6, len(rows)
    said.clear()
    with Recognizer.fit(data, config=NO_MODELS, out=tmp_path / "b") as opened:
        assert set(opened.tasks["shop"].names) == {row["label"] for row in rows if row["label"]}
    (line,) = [line for line in said if "have no label" in line]
    assert line.startswith("2 samples have no label and are not learned from")
    assert line.endswith("".join(f"\n  - {name}, line {number}" for number in lines))


def test_snippets_speak_and_models_that_nothing_trained_are_not_asked(
    tasks: list[Task], config: Config, models: Models, tmp_path: Path
) -> None:
    bundle = fit_bundle([], tasks, config, tmp_path / "b", models)
    assert (bundle.config.large, bundle.config.small, bundle.manifest["base"]) == (None, None, {})
    routers = load_routers(bundle.folder / "ensemble.json")
    assert set(routers["ask"].first.weights) == {"rules", "retrieval", "semantic"}
    assert set(routers["screen"].first.weights) == {"rules", "semantic"}
    assert routers["ask"].first.weights["retrieval"] == pytest.approx(2**-0.5)  # no rule speaks yet
    (found,) = Predictor(bundle).predict([asks("会不会生锈")])
    assert found.label == "生锈"
    assert found.trace.snippets[0].id == "s0"


def test_tasks_with_samples_and_without_stand_in_one_bundle(
    samples: list[Evidence], tasks: list[Task], config: Config, models: Models, tmp_path: Path
) -> None:
    asked = [evidence for evidence in samples if evidence.sample.task == "ask"]
    bundle = fit_bundle(asked, tasks, config, tmp_path / "b", models)
    assert bundle.config.large is not None
    assert bundle.config.large.tasks == ("ask",)
    assert list(bundle.manifest["adapters"]) == ["ask"]
    routers = load_routers(bundle.folder / "ensemble.json")
    assert "f1_fused" in routers["ask"].figures
    assert routers["screen"].figures == {}
    assert not ({"large", "layout", "visual"} & set(routers["screen"].first.weights))
    names = {task.name: task.names for task in tasks}
    predictor = Predictor(bundle, models)
    assert all(one.label in names[one.task] for one in predictor.predict(samples))
    predictor.close()


def test_a_given_adapter_is_asked(bundle: Bundle, tasks: list[Task], config: Config, models: Models, tmp_path: Path):
    adapters = {"ask": bundle.folder / "adapters" / "ask"}
    made = fit_bundle([], tasks, config, tmp_path / "b", models, adapters)
    weights = {name: router.first.weights for name, router in load_routers(made.folder / "ensemble.json").items()}
    assert "large" in weights["ask"]
    assert "large" not in weights["screen"]
    found = json.loads((made.folder / "report" / "without_samples.json").read_text("utf-8"))
    assert found["ask"]["rests_on"]["large"]["basis"] == "an adapter that was given"
    predictor = Predictor(made, models)
    assert predictor.predict([asks("会不会生锈")])[0].spend.calls == 1
    predictor.close()


def test_a_run_in_which_every_model_has_work_stays_as_it_is(tasks: list[Task], config: Config, models: Models) -> None:
    setup = Setup(tuple(tasks), config, models)
    assert without_idle_models(setup, ["screen", "ask"], ()) is setup
    assert without_idle_models(setup, [], ["joint"]).config.large == config.large


def test_the_labels_that_ship_with_kdsl_need_no_sample(tmp_path: Path) -> None:
    few = NO_MODELS.model_copy(update={"knowledge": NO_MODELS.knowledge.model_copy(update={"imagined_per_label": 2})})
    with Recognizer.fit(config=few, out=tmp_path / "b") as opened:
        found = opened.predict(Sample.dialogue(["请问这个锅用久了会不会生锈"]))
        assert found.label == "是否会生锈"
        assert found.trace.rules
        assert set(found.trace.experts) == {"rules", "retrieval", "lexical", "semantic"}
        assert all(vote.weight == 0.5 for vote in found.trace.experts.values())


def asks(text: str) -> Evidence:
    return Evidence(Sample.dialogue([text], task="ask", id="1"), ())
