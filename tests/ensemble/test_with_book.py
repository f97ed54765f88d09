"""A rule book in place of a bundle's own."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from kdsl.data.sample import Sample
from kdsl.ensemble.bundle import Bundle, open_bundle
from kdsl.ensemble.fit import scores_file
from kdsl.ensemble.predictor import Predictor
from kdsl.ensemble.router import load_routers
from kdsl.ensemble.with_book import WithBook
from kdsl.evidence.types import Evidence
from kdsl.models.roles import Models
from kdsl.recognizer import Recognizer
from kdsl.rules.book import RuleBook
from kdsl.rules.collection import Rules
from kdsl.rules.literals import TurnText
from kdsl.rules.rule import Rule, When
from kdsl.rules.show_changes import change_lines
from kdsl.scores import OutOfFold
from kdsl.tasks import task_by_name


@pytest.fixture
def asked(samples: list[Evidence]) -> list[Evidence]:
    return [evidence for evidence in samples if evidence.sample.task == "ask"]


def test_samples_of_the_fit_have_its_out_of_fold_scores(bundle: Bundle, asked: list[Evidence]) -> None:
    found = WithBook(bundle, "ask", asked[::-1])
    kept = OutOfFold.load(scores_file(bundle.folder, task_by_name(bundle.tasks, "ask")))
    fusion = load_routers(bundle.folder / "ensemble.json")["ask"].first
    silent = {name: kept.scores[name] for name in fusion.weights} | {
        "rules": np.full_like(kept.scores["rules"], np.nan)
    }
    names = np.array(task_by_name(bundle.tasks, "ask").names, dtype=object)
    expected = names[fusion.log_probabilities({name: silent[name] for name in fusion.weights}).argmax(1)]
    assert found.labels(None).tolist() == expected.tolist()[::-1]
    assert "12 of the samples are those of the fit" in found.note


def test_other_samples_are_asked_and_each_book_has_the_rules_vote(
    bundle: Bundle, asked: list[Evidence], models: Models
) -> None:
    new = [replace(e, sample=replace(e.sample, id=f"new-{e.sample.id}")) for e in asked]
    found = WithBook(bundle, "ask", [*new, asked[5]])
    assert "1 of the samples are those of the fit" in found.note
    assert "12 samples are not of the fit" in found.note
    book = RuleBook.load(bundle.folder / "rules" / "ask.yaml")
    wrong = [Rule(id=f"x{i}", label="气泡", when=When(all=(TurnText(cue),)), weight=50) for i, cue in enumerate("锈货")]
    scores = Predictor(bundle, models).tasks["ask"].first_scores(new)
    fusion = load_routers(bundle.folder / "ensemble.json")["ask"].first
    assert fusion.weights["rules"] > 0
    for other in (book, book.model_copy(update={"rules": tuple(wrong)})):
        scores["rules"] = other.scores(new)
        best = fusion.log_probabilities({name: scores[name] for name in fusion.weights}).argmax(1)
        assert found.labels(other)[:12].tolist() == [book.labels[column] for column in best]


def test_a_change_without_samples_is_told_where_rules_have_no_vote(bundle: Bundle, tmp_path: Path) -> None:
    shutil.copytree(bundle.folder, tmp_path / "b")
    routers = json.loads((tmp_path / "b" / "ensemble.json").read_text("utf-8"))
    del routers["ask"]["first"]["weights"]["rules"]
    (tmp_path / "b" / "ensemble.json").write_text(json.dumps(routers), "utf-8")
    without = Bundle(tmp_path / "b", bundle.manifest, bundle.config, bundle.tasks)
    for one, note in ((bundle, ""), (without, "the rules have no vote in this bundle (their weight is 0), so that no")):
        file = one.folder / "rules" / "ask.yaml"
        rules = Rules({"ask": file}, lambda task, labelled, one=one: WithBook(one, task, labelled))  # type: ignore[misc]
        change = rules.add("气泡", when=["a user turn contains 「气泡水」"])
        assert change.note.startswith(note)
        assert bool(change.note) == bool(note)
        assert (f"  ({change.note})" in change_lines(change)) == bool(note)
        assert change.to_json()["note"] == change.note


def test_the_recognizer_tests_its_rules(bundle: Bundle, asked: list[Evidence]) -> None:
    with Recognizer.load(bundle.folder) as recognizer:
        found = recognizer.rules.test(asked)["ask"]
    assert found.n == 12
    assert found.f1_ensemble is not None
    assert found.f1_without is not None
    fired = [row for row in found.rules if row.support]
    assert fired
    assert all(row.fidelity is not None and 0 <= row.fidelity <= 1 for row in fired)


def test_an_edited_bundle_opens_and_undo_makes_it_whole(bundle: Bundle, asked: list[Evidence], tmp_path: Path) -> None:
    folder = Path(shutil.copytree(bundle.folder, tmp_path / "copy"))
    with Recognizer.load(folder) as recognizer:
        asks = Sample.dialogue(["会不会生锈"])
        before = recognizer.predict(asks)
        rule = next(rule for rule in recognizer.rules["ask"].rules if rule.enabled)
        change = recognizer.rules.disable(f"ask/{rule.id}", reason="a test", evidences=asked)
        assert [effect.of for effect in change.effects] == ["the book alone", "the bundle"]
        assert "12 of the samples are those of the fit" in change.effects[1].note
        change.save()
        assert "edited" not in before.versions
        assert recognizer.predict(asks).versions["edited"] == "rules/ask.yaml"
        assert rule.id not in {fired.id for fired in recognizer.predict(asks).trace.rules}
        assert not recognizer.rules.find(f"ask/{rule.id}").rule.enabled
        recognizer.rules.only("ask").undo().save()
        assert recognizer.predict(asks) == before
    assert open_bundle(folder).edited == ()
    assert [version.command for version in Rules.open(bundle=folder, task="ask").history()] == [
        "found",
        "disable",
        "undo",
    ]
