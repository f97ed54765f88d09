"""Figures: failed answers are wrong, ties count by their share, and intervals are over products."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from helpers.intention_items import write_items

from kdsl.evaluation.intentionqa.answers import Answers
from kdsl.evaluation.intentionqa.items import Items, read_items
from kdsl.evaluation.intentionqa.report import Row, make_report


@pytest.fixture
def read(tmp_path: Path) -> Items:
    return read_items(write_items(tmp_path / "items.jsonl", 1, '{"id": 1}'), 1)


def rows_by(read: Items, answers: list[Answers], seen: frozenset[str] = frozenset()) -> dict[tuple[str, str], Row]:
    return {(row.by, row.scores): row for row in make_report(1, read, read.items, answers, seen).rows}


def test_failed_is_wrong_and_a_tie_counts_by_its_share(read: Items) -> None:
    fit = np.eye(4)[[item.gold for item in read.items]]
    fit[0] = 1  # all four alike
    fit[1, (read.items[1].gold + 1) % 4] = 1  # two alike
    failed = np.zeros(12, bool)
    failed[[2, 3]] = True
    row = rows_by(read, [Answers("a", fit, np.zeros((12, 4)), failed)])["a", "fit"]
    assert row.all.accuracy == pytest.approx((8 + 0.25 + 0.5) / 12)
    assert row.failed == 2
    assert row.all.low <= row.all.accuracy <= row.all.high
    assert row.all.low < row.all.high


def test_the_prior_is_taken_off_and_stands_alone_too(read: Items) -> None:
    gold = np.eye(4)[[item.gold for item in read.items]]
    liked = np.eye(4)[[(item.gold + 1) % 4 for item in read.items]] * 5
    rows = rows_by(read, [Answers("a", gold + liked, liked, np.zeros(12, bool))])
    assert rows["a", "fit"].all.accuracy == 0
    assert rows["a", "**less prior**"].all.accuracy == 1
    assert rows["a", "prior alone"].all.accuracy == pytest.approx(1 / 3)


def test_several_are_added_up(read: Items) -> None:
    gold = np.eye(4)[[item.gold for item in read.items]]
    fits = [gold * (np.arange(12) % 2 == part)[:, None] for part in (0, 1)]
    prior = np.full((12, 4), 0.1)
    rows = rows_by(read, [Answers(name, fit, prior, np.zeros(12, bool)) for name, fit in zip("ab", fits, strict=True)])
    assert rows["a + b", "**less prior, added up**"].all.accuracy == 1
    assert rows["a", "**less prior**"].all.accuracy == pytest.approx(0.625)


def test_items_that_choices_were_made_on_are_told_apart(read: Items) -> None:
    gold = np.eye(4)[[item.gold for item in read.items]]
    gold[:6] = np.roll(gold[:6], 1, axis=1)
    seen = frozenset(item.id for item in read.items[:6])
    row = rows_by(read, [Answers("a", gold, np.zeros((12, 4)), np.zeros(12, bool))], seen)["a", "fit"]
    assert row.unseen is not None
    assert (row.all.accuracy, row.unseen.accuracy, row.unseen.n) == (0.5, 1, 6)


def test_the_page_has_every_row_and_says_what_was_skipped(read: Items) -> None:
    report = make_report(
        1, read, read.items, [Answers("a | b", np.eye(4)[[0] * 12], np.zeros((12, 4)), np.zeros(12, bool))], frozenset()
    )
    page = report.markdown()
    assert "12 items with four options; skipped: 1 with no item." in page
    assert "| a \\| b | fit |" in page
    assert "| chance |" in page
    widths = {
        line.count("|") - line.count("\\|")
        for line in page.split("## By relation")[0].splitlines()
        if line.startswith("|")
    }
    assert len(widths) == 1
    assert report.rows[0].all.accuracy == 0.25
    assert sum(figure.n for figure in report.rows[0].relations.values()) == 12
