"""Items are read as the official metric counts them, and what is left out is counted."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from helpers.intention_items import rows, write_items

from kdsl.errors import InputError
from kdsl.evaluation.intentionqa.items import SUBSETS, Item, content_words, intention_of, read_items


def test_items_with_other_than_four_options_and_broken_lines_are_counted(tmp_path: Path) -> None:
    three = rows(1)[0] | {"id": "three", "options": {"A": "a", "B": "b", "C": "c"}}
    five = rows(1)[0] | {"id": "five", "options": dict.fromkeys("ABCDE", "a")}
    strange = rows(1)[0] | {"id": "strange", "gold_ind": "E"}
    more = [json.dumps(three), json.dumps(three | {"id": "again"}), json.dumps(five), json.dumps(strange), '{"id": 3']
    read = read_items(write_items(tmp_path / "items.jsonl", 1, *more), 1)
    assert [item.id for item in read.items] == [f"t{number}" for number in range(12)]
    assert read.skipped == {"3 options": 2, "5 options": 1, "no item": 2}
    assert all(item.options[item.gold] == item.intention for item in read.items)


@pytest.mark.parametrize("task", [1, 2])
def test_a_file_of_the_other_task_is_refused(tmp_path: Path, task: int) -> None:
    file = write_items(tmp_path / "items.jsonl", task)
    assert len(read_items(file, task).items) == 12
    with pytest.raises(InputError, match=f"holds items of task {task}, not of task {3 - task}"):
        read_items(file, 3 - task)


def test_other_files_are_refused_with_their_first_fault(tmp_path: Path) -> None:
    (tmp_path / "other.jsonl").write_text('{"id": "a", "text": "b"}\n')
    with pytest.raises(InputError, match=r"no item of IntentionQA.*line 1.*item_a_name"):
        read_items(tmp_path / "other.jsonl", 1)
    twice = json.dumps(rows(1)[0])
    with pytest.raises(InputError, match="stand twice"):
        read_items(write_items(tmp_path / "twice.jsonl", 1, twice), 1)


def test_what_is_known_is_a_sentence_without_html(tmp_path: Path) -> None:
    first = read_items(write_items(tmp_path / "one.jsonl", 1), 1).items[0]
    assert first.situation == "A customer buys Copper Tea Kettle & Lid, 2 qt and Loose Leaf Tea Strainer."
    second = read_items(write_items(tmp_path / "two.jsonl", 2), 2).items[0]
    assert second.situation == (
        "A customer buys Copper Tea Kettle & Lid, 2 qt, because they both are used to brew tea at home."
    )


def test_relations_are_told_by_their_wording(tmp_path: Path) -> None:
    read = read_items(write_items(tmp_path / "items.jsonl", 1), 1)
    assert [item.relation for item in read.items] == [
        "usedFor", "isA", "can", "cause", "capableOf", "open", "relatedTo", "propertyOf", "definedAs", "cause",
        "usedFor", "mannerOf",
    ]  # fmt: skip


def test_the_intention_is_cut_out_as_officially() -> None:
    assert intention_of("PersonX bought A and B because they fit because they do") == "because they fit because they do"
    assert intention_of("PersonX bought A, as a result, he is glad. ") == "as a result, he is glad."


def test_overlap_counts_content_words_of_both_kinds_of_scripts() -> None:
    assert content_words("The Tea &amp; the tea-pots of 茶壶吗") == {"tea", "pots", "茶", "壶"}
    options = ("because tea is brewed", "because it is a pen", "because of the tea leaf", "because tea is brewed")
    right = Item("a", 1, ("Tea Leaf", "Cup"), ("1", "2"), options[2], options, 2)
    assert right.shared == (0.5, 0.0, 1.0, 0.5)
    assert right.overlap == "right"
    tied = Item("a", 1, ("Tea", "Cup"), ("1", "2"), options[0], options, 0)
    assert tied.overlap == "tied"
    wrong = Item("a", 1, ("Tea", "Cup"), ("1", "2"), options[1], options, 1)
    assert wrong.overlap == "wrong"
    inside = {name: [test(item) for item in (right, tied, wrong)] for name, test in SUBSETS.items()}
    assert list(inside.values()) == [[False, False, True], [False, True, True]]
