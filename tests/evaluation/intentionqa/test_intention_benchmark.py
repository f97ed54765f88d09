"""Which items choices were made on, and what is drawn."""

from __future__ import annotations

from kdsl.evaluation.intentionqa.benchmark import CHOSEN_ON, chosen_on, drawn
from kdsl.evaluation.intentionqa.items import Item, Items


def made(n: int, task: int) -> Items:
    items = (Item(f"i{i}", task, ("a", "b"), ("a", "b"), "", ("w", "x", "y", "z"), 0) for i in range(n))
    return Items(tuple(items), {})


def test_choices_were_made_on_a_part_of_task_1_alone() -> None:
    assert len(chosen_on(made(1200, 1))) == CHOSEN_ON
    assert chosen_on(made(1200, 1)) == chosen_on(made(1200, 1))
    assert not chosen_on(made(1200, 2))
    assert not chosen_on(made(900, 1))


def test_more_of_a_draw_holds_what_was_drawn_before() -> None:
    items = made(60, 1).items
    assert set(drawn(items, 10, 5)) < set(drawn(items, 20, 5))
    assert drawn(items, 10, 5) != drawn(items, 10, 6)
    assert drawn(items, 99, 5) == drawn(items, None, 5) == items
