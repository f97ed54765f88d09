"""Corrections take their place among the samples of a fit, and the folds of these."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from helpers.corrected_shop import correction, shop_file
from helpers.own_shop import noise
from hypothesis import given
from hypothesis import strategies as st

from kdsl.config import Config
from kdsl.corrections.feedback import Feedback
from kdsl.corrections.rows import extended_folds, rows_of
from kdsl.data.source import DataSource
from kdsl.errors import InputError
from kdsl.evidence.types import Evidence
from kdsl.files import write_jsonl
from kdsl.tasks import Label, Task

SHOP = Task(
    name="shop",
    input="dialogue",
    prompt="?",
    labels=tuple(Label(name=name) for name in ("rust", "refund", "stock")),
)
EVIDENCE = Config().evidence


def stored(feedback: Feedback, folder: Path, task: Task = SHOP) -> Path:
    file = folder / "corrections.jsonl"
    write_jsonl(file, feedback.export({task.name: task}))
    return file


def test_a_correction_of_a_sample_takes_its_label_and_others_are_added(feedback: Feedback, tmp_path: Path) -> None:
    source = DataSource([shop_file(tmp_path)])
    before = rows_of(source, None, [SHOP], EVIDENCE)
    for number, (text, label) in enumerate(
        [("will it rust 1", "stock"), ("pay me back 2", "refund"), ("物流到哪了", "stock"), ("你好", None)]
    ):
        feedback.add(correction(number, text, label))
    found = rows_of(source, stored(feedback, tmp_path), [SHOP], EVIDENCE)
    label_of = {e.sample.id: e.sample.label for e in found.evidences}
    assert label_of["rust-1-will it rust"] == "stock"
    assert [e.sample.id for e in found.evidences][:36] == [e.sample.id for e in before.evidences]
    assert (found.relabelled, found.added, len(found.corrected)) == (1, 2, 4)
    (outside,) = (e.sample for e in found.evidences if e.sample.out_of_scope)
    assert (outside.turns[0].text, outside.label) == ("你好", None)
    assert len(found.labelled(SHOP)) == 37


def test_an_undone_correction_does_not_count(feedback: Feedback, tmp_path: Path) -> None:
    feedback.add(correction(1, "will it rust 1", "stock"))
    feedback.add(correction(2, "物流到哪了", "stock"))
    feedback.undo(1, "li")
    found = rows_of(DataSource([shop_file(tmp_path)]), stored(feedback, tmp_path), [SHOP], EVIDENCE)
    assert (found.relabelled, found.added) == (0, 1)


def test_a_picture_is_known_by_its_content_whatever_its_file_is_called(feedback: Feedback, tmp_path: Path) -> None:
    scene = Task(name="scene", input="picture", prompt="?", labels=(Label(name="cart"), Label(name="bill")))
    for seed, label in enumerate(("cart", "bill")):
        (tmp_path / "photos" / label).mkdir(parents=True)
        noise(seed).save(tmp_path / "photos" / label / "x.png")
    content = (tmp_path / "photos" / "cart" / "x.png").read_bytes()
    feedback.add(correction(1, "", "bill", task="scene", turns=(), pictures=[content]))
    found = rows_of(DataSource([tmp_path / "photos"]), stored(feedback, tmp_path, scene), [scene], EVIDENCE)
    assert [e.sample.label for e in found.evidences] == ["bill", "bill"]
    assert (found.relabelled, found.added) == (1, 0)


def test_corrections_of_labels_that_are_gone_are_told_and_left_out(feedback: Feedback, tmp_path: Path) -> None:
    feedback.add(correction(1, "物流到哪了", "delivery"))
    file = stored(feedback, tmp_path)
    with pytest.raises(InputError, match="none of 1 corrections is of a task and label of this bundle"):
        rows_of(DataSource([shop_file(tmp_path)]), file, [SHOP], EVIDENCE)
    feedback.add(correction(2, "还有货吗", "stock"))
    assert rows_of(DataSource([shop_file(tmp_path)]), stored(feedback, tmp_path), [SHOP], EVIDENCE).added == 1


@given(known=st.lists(st.integers(0, 2), min_size=6, max_size=20), new=st.integers(1, 10), alike=st.booleans())
def test_folds_of_known_samples_stay_and_new_ones_are_spread(
    make_evidence: Callable[..., Evidence], known: list[int], new: int, alike: bool
) -> None:
    folds = {f"old-{n}": fold for n, fold in enumerate([0, 1, 2, 0, 1, 2, *known])}
    ids = [*folds, *(f"new-{n}" for n in range(new))]
    labelled = [
        make_evidence(id, label="rust" if id[-1] in "02468" else "stock", turns=(("user", id),), task="shop")
        for id in ids
    ]
    together = [["old-0", "new-0"]] if alike else []
    found = extended_folds(folds, labelled, together)
    assert set(found) == set(ids)
    assert {id: found[id] for id in folds} == folds
    if alike:
        assert found["new-0"] == folds["old-0"]


def test_folds_that_corrections_leave_empty_are_drawn_anew(make_evidence: Callable[..., Evidence]) -> None:
    labelled = [make_evidence(f"s{n}", label="rust", turns=(("user", "?"),), task="shop") for n in range(4)]
    assert extended_folds({"s0": 0, "s1": 0, "s2": 0, "gone": 1}, labelled, []) == {}
