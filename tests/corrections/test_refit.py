"""A candidate from corrections: what it learns, how it is judged, that it survives a kill, and rules survive it."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from helpers.corrected_shop import ASKED, correction
from helpers.running import wait_until
from helpers.tiny_shop import ASKS

from kdsl import Recognizer, Sample
from kdsl.config import Config
from kdsl.corrections.comparison import Comparison
from kdsl.corrections.feedback import Feedback
from kdsl.corrections.refit import _values, next_candidate, refit
from kdsl.corrections.rows import rows_of
from kdsl.corrections.switching import check_switch
from kdsl.data.source import DataSource
from kdsl.ensemble.bundle import Bundle, open_bundle
from kdsl.errors import BundleError, InputError
from kdsl.files import file_hash, write_jsonl
from kdsl.models.adapters import WEIGHTS
from kdsl.scores import OutOfFold
from kdsl.training.inner_folds import inner_folds

NEW = ("发货了吗", "where is my parcel", "物流到哪了", "has it been shipped", "几天能到", "track my order")


def corrected(feedback: Feedback) -> Path:
    """Corrections of new questions, of a sample of the fit, and of one that no label fits."""
    for number, text in enumerate(NEW):
        feedback.add(correction(number, text, "stock"))
    feedback.add(correction(90, "will it rust 1", "stock"))
    feedback.add(correction(91, "你好", None))
    return feedback._file


def wrong(feedback: Feedback) -> Path:
    """Corrections by somebody who confuses two labels throughout."""
    for number, text in enumerate(ASKED["rust"]):
        for copy in range(12):
            feedback.add(correction(number * 100 + copy, f"{text} {copy + 10}", "refund"))
    return feedback._file


@pytest.fixture(scope="module")
def made(shelf: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Comparison]:
    """A candidate from good corrections."""
    file = corrected(Feedback(tmp_path_factory.mktemp("state") / "feedback.sqlite"))
    return shelf / "made", refit(shelf / "shop", file, shelf / "made")


def test_a_candidate_is_a_bundle_that_has_learned_the_corrections(made: tuple[Path, Comparison]) -> None:
    folder, found = made
    assert (found.corrections, found.relabelled, found.added, found.unjudged) == (8, 1, 7, 1)
    with Recognizer.load(folder) as recognizer:
        assert recognizer.predict(Sample.dialogue(["where is my parcel"])).label == "stock"
    manifest = open_bundle(folder).manifest
    assert "refit/corrections.jsonl" in manifest["files"]
    assert manifest["data"]["files"] == ["../shop.jsonl"]


def test_the_example_in_the_document_is_of_these_corrections(made: tuple[Path, Comparison]) -> None:
    text = (Path(__file__).parents[2] / "docs" / "corrections.md").read_text("utf-8")
    _, found = made
    for group in found.tasks[0].groups:
        assert re.search(rf"^ {group.of} +{group.n} +[01]\.\d{{3}}", text, re.M), group.of
    for label in found.tasks[0].labels:
        assert re.search(rf"^ {label.label} +{label.support} +[01]\.\d{{3}}", text, re.M), label.label
    end = f"{found.corrections} corrections ({found.relabelled} samples got another label, {found.added} are new)"
    assert end in text


def test_adapters_that_the_fit_was_given_are_taken_again(
    bundle: Bundle, config: Config, tmp_path: Path, feedback: Feedback, caplog: pytest.LogCaptureFixture
) -> None:
    rows = [{"id": ask, "text": ask, "label": label} for label, asks in ASKS.items() for ask in asks]
    (tmp_path / "asks.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    alone = config.model_copy(update={"tasks": config.tasks[1:], "small": None})
    given = bundle.folder / "adapters" / "ask"
    Recognizer.fit(tmp_path / "asks.jsonl", out=tmp_path / "before", config=alone, adapters={"ask": given}).close()
    feedback.add(correction(1, ASKS["生锈"][0], "补货", task="ask"))
    refit(tmp_path / "before", feedback._file, tmp_path / "after")
    weights = [file_hash(folder / "adapters" / "ask" / WEIGHTS) for folder in (bundle.folder, tmp_path / "after")]
    assert weights[0] == weights[1]
    assert "given adapters (ask), which the candidate takes as they are" in caplog.text
    assert open_bundle(tmp_path / "after").given_adapters == {"ask": tmp_path / "after" / "adapters" / "ask"}


def test_before_and_after_are_told_of_the_same_samples(shelf: Path, made: tuple[Path, Comparison]) -> None:
    folder, found = made
    (task,) = found.tasks
    every, others, own = task.groups
    assert (every.n, others.n, own.n) == (42, 35, 7)
    assert len(every.mended) == sum(label.mended for label in task.labels)
    assert len(every.broken) == sum(label.broken for label in task.labels)
    right = [sum(label.recall_before * label.support for label in task.labels)]
    right.append(sum(label.recall_after * label.support for label in task.labels))
    assert right[1] - right[0] == pytest.approx(len(every.mended) - len(every.broken))
    assert every.f1_after - every.f1_before == pytest.approx(every.difference)
    # what the bundle said out of fold is what it is judged by, not what it says of samples that it has learned
    before = OutOfFold.load(shelf / "shop" / "report" / "shop.npz")
    after = OutOfFold.load(folder / "report" / "shop.npz")
    assert set(before.ids) < set(after.ids)


def test_samples_of_the_bundle_keep_their_folds(shelf: Path, made: tuple[Path, Comparison]) -> None:
    bundle = open_bundle(shelf / "shop")
    rows = rows_of(DataSource([shelf / "shop.jsonl"]), None, bundle.tasks, bundle.config.evidence)
    folds = inner_folds({"shop": rows.labelled(bundle.tasks[0])}, bundle.tasks, bundle.config)["shop"]
    kept = json.loads((made[0] / "refit" / "folds.json").read_text("utf-8"))
    assert [kept[e.sample.id] for e in rows.evidences] == folds.tolist()
    new = np.bincount([kept[id] for id in kept if id.startswith("feedback-")])
    assert new.sum() == len(NEW)
    assert new.min() > 1


def test_a_finished_candidate_is_not_made_again(shelf: Path, made: tuple[Path, Comparison], feedback: Feedback) -> None:
    folder, found = made
    feedback.add(correction(1, "another", "rust"))
    stamp = (folder / "manifest.json").stat().st_mtime_ns
    assert refit(shelf / "shop", feedback._file, folder) == found
    assert (folder / "manifest.json").stat().st_mtime_ns == stamp


def test_a_worse_candidate_is_found_out_and_not_switched_to(own_shelf: Path, feedback: Feedback) -> None:
    found = refit(own_shelf / "shop", wrong(feedback), own_shelf / "worse")
    assert found.verdict == "worse"
    (rust,) = (label for label in found.tasks[0].labels if label.label == "rust")
    assert rust.broken > rust.mended
    with pytest.raises(InputError, match=r"'worse' is worse than the bundle.*Give `anyway`"):
        check_switch(own_shelf / "worse", open_bundle(own_shelf / "shop"))


def test_what_is_no_better_may_be_switched_to(shelf: Path, made: tuple[Path, Comparison]) -> None:
    assert made[1].verdict != "worse"
    check_switch(made[0], open_bundle(shelf / "shop"))
    check_switch(shelf / "shop", open_bundle(shelf / "shop"))


def test_edited_rules_survive_and_a_later_edit_asks_for_the_candidate_again(
    own_shelf: Path, feedback: Feedback
) -> None:
    feedback.add(correction(1, "发货了吗", "stock"))
    with Recognizer.load(own_shelf / "shop") as recognizer:
        recognizer.rules.add(
            "refund", when=["a user turn contains 「退钱」"], weight=2.0, id="mine", reason="people say so"
        ).save()
    refit(own_shelf / "shop", feedback._file, own_shelf / "next")
    with Recognizer.load(own_shelf / "next") as candidate:
        assert "mine" in [entry.rule.id for entry in candidate.rules.list()]
        assert "people say so" in [version.reason for version in candidate.rules.history()]
    with Recognizer.load(own_shelf / "shop") as recognizer:
        recognizer.rules.disable("mine", reason="no").save()
    with pytest.raises(InputError, match="rules of 'shop' were changed since 'next' was made"):
        check_switch(own_shelf / "next", open_bundle(own_shelf / "shop"))
    refit(own_shelf / "shop", feedback._file, own_shelf / "next")
    check_switch(own_shelf / "next", open_bundle(own_shelf / "shop"))
    with Recognizer.load(own_shelf / "next") as candidate:
        assert [entry.rule.enabled for entry in candidate.rules.list() if entry.rule.id == "mine"] == [False]


def test_a_refit_that_was_killed_goes_on_with_what_it_began_with(own_shelf: Path, feedback: Feedback) -> None:
    file, out = corrected(feedback), own_shelf / "shop-refit-1"
    words = ["refit", "--bundle", str(own_shelf / "shop"), "--feedback", str(file)]
    process = subprocess.Popen([sys.executable, "-m", "kdsl", *words], stderr=subprocess.DEVNULL)
    wait_until(lambda: (out / "work" / "inner-0" / "rules").exists() or process.poll() is not None)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert not (out / "refit" / "comparison.json").exists()
    with pytest.raises(InputError, match="was not compared"):
        check_switch(out, open_bundle(own_shelf / "shop"))
    feedback.add(correction(500, "later", "rust"))
    assert next_candidate(open_bundle(own_shelf / "shop")) == out
    started = time.time()
    found = refit(own_shelf / "shop", file, out)
    assert found.corrections == 8
    rules = out / "rules" / "shop.yaml"
    assert rules.stat().st_mtime > started
    # the next candidate is made of the new bundle, and has all that the last one had
    assert next_candidate(open_bundle(out)).name == "shop-refit-2"
    again = refit(out, file, own_shelf / "shop-refit-2")
    assert (again.corrections, again.added, again.before) == (9, 8, found.after)


def test_corrections_with_line_ends_of_unicode_are_read_back(tmp_path: Path) -> None:
    rows = [{"instruction": "用户: 坏了\u2028退\x85吧"}, {"instruction": "用户: 在吗"}]
    write_jsonl(tmp_path / "corrections.jsonl", rows)
    assert list(_values(tmp_path / "corrections.jsonl")) == rows


def test_what_cannot_be_meant_is_told(own_shelf: Path, feedback: Feedback, tmp_path: Path) -> None:
    shop = own_shelf / "shop"
    with pytest.raises(InputError, match="holds no correction that counts"):
        refit(shop, feedback._file, own_shelf / "next")
    with pytest.raises(InputError, match="is not there; it holds the corrections"):
        refit(shop, tmp_path / "none.sqlite", own_shelf / "next")
    feedback.add(correction(1, "发货了吗", "stock"))
    with pytest.raises(InputError, match="is the bundle itself"):
        refit(shop, feedback._file, shop)
    (own_shelf / "other.jsonl").write_text(
        (own_shelf / "shop.jsonl").read_text("utf-8").replace("money", "cash"), "utf-8"
    )
    with pytest.raises(InputError, match=r"are not those that the bundle .* was fitted on"):
        refit(shop, feedback._file, own_shelf / "next", DataSource([own_shelf / "other.jsonl"]))
    (own_shelf / "shop.jsonl").unlink()
    with pytest.raises(InputError, match="was fitted on this, and it is not there"):
        refit(shop, feedback._file, own_shelf / "next")


def test_a_bundle_is_no_candidate(own_shelf: Path, feedback: Feedback) -> None:
    feedback.add(correction(1, "发货了吗", "stock"))
    shutil.copytree(own_shelf / "shop", own_shelf / "copy")
    with pytest.raises(BundleError, match="holds a bundle that is no candidate"):
        refit(own_shelf / "shop", feedback._file, own_shelf / "copy")
