"""Pairs: read from files, and mined from orders by a test that raw counts would fail."""

from __future__ import annotations

import json
from collections import Counter
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import false_discovery_control, fisher_exact

from kdsl.data.notes import Notes
from kdsl.errors import InputError
from kdsl.intentions.pairs import MOST_ITEMS, Pair, mine_pairs, read_orders, read_pairs, write_pairs


def orders(seed: int = 0, n: int = 2000) -> list[frozenset[str]]:
    """Orders in which everybody buys bags, and lids go with pots; all else is chance."""
    rng = np.random.default_rng(seed)
    made = []
    for _ in range(n):
        order = {f"p{i}" for i in range(30) if rng.random() < 0.03}
        if rng.random() < 0.7:
            order.add("bag")
        if rng.random() < 0.02:
            order |= {"pot", "lid"} if rng.random() < 0.7 else {"pot"}
        made.append(frozenset(order))
    return [order for order in made if order]


def test_what_belongs_together_is_found_and_what_everybody_buys_is_not() -> None:
    log = orders()
    found = mine_pairs(log)
    assert [mined.pair for mined in found] == [Pair("lid", "pot")]
    counts = Counter(pair for order in log for pair in combinations(sorted(order), 2))
    most, together = counts.most_common(1)[0]
    assert "bag" in most
    assert together > found[0].together


@pytest.mark.parametrize("limit", ["q", "lift"])
def test_a_limit_that_is_no_number_is_named(limit: str) -> None:
    with pytest.raises(InputError, match=f"`{limit}` is not a number"):
        mine_pairs(orders(n=20), **{limit: float("nan")})  # type: ignore[arg-type]


def test_chance_alone_gives_no_pair() -> None:
    rng = np.random.default_rng(5)
    for _ in range(3):
        shuffled = [frozenset(f"p{i}" for i in range(40) if rng.random() < 0.05) for _ in range(1500)]
        assert mine_pairs([order for order in shuffled if order], lift=0, together=1) == []


def test_the_test_is_fishers_with_all_pairs_counted() -> None:
    log = orders(seed=3, n=400)
    found = {mined.pair: mined for mined in mine_pairs(log, q=1, lift=0, together=1)}
    products = sorted(set().union(*log))
    pairs, values = list(combinations(products, 2)), []
    for a, b in pairs:
        both = sum({a, b} <= order for order in log)
        only_a, only_b = (sum(one in order for order in log) - both for one in (a, b))
        table = [[both, only_a], [only_b, len(log) - both - only_a - only_b]]
        values.append(fisher_exact(table, alternative="greater").pvalue if both else 1.0)
    for pair, q in zip(pairs, false_discovery_control(values), strict=True):
        if Pair.of(*pair) in found:
            assert found[Pair.of(*pair)].q == pytest.approx(q, rel=1e-6)


def test_pairs_of_files(tmp_path: Path) -> None:
    table = tmp_path / "cobuy.csv"
    table.write_text("item_a_id,item_b_id\n2,1\n1,2\n1,1\n3,9\n,4\n1.0,3\n", "utf-8-sig")
    notes = Notes()
    assert read_pairs(table, {"1", "2", "3", "4"}, notes) == [Pair("1", "2")]
    said = "\n".join(notes.lines())
    for part in ("with itself", "not in the catalogue", "without two products"):
        assert part in said
    lines = tmp_path / "cobuy.jsonl"
    lines.write_text('{"a": 1.0, "b": 3}\n', "utf-8")
    assert read_pairs(lines, {"1", "3"}, Notes()) == [Pair("1", "3")]
    with pytest.raises(InputError, match="holds no pair"):
        read_pairs(table, {"7"}, Notes())


def test_from_a_log_of_orders_to_a_file_of_pairs(tmp_path: Path) -> None:
    log, out = tmp_path / "orders.csv", tmp_path / "cobuy.jsonl"
    rows = [(number, product) for number, order in enumerate(orders()) for product in sorted(order)]
    rows += [("wholesale", f"w{i}") for i in range(MOST_ITEMS + 1)] + [("twice", "lid"), ("twice", "lid")]
    log.write_text("订单号,商品编号\n" + "".join(f"{order},{product}\n" for order, product in rows), "utf-8")
    notes = Notes()
    assert frozenset({"lid"}) in read_orders(log, notes)
    assert "more than 50 products" in notes.lines()[0]
    assert write_pairs(log, out, q=0.05, lift=1.5, together=3) == 1
    [mined] = [json.loads(line) for line in out.read_text("utf-8").splitlines()]
    assert mined["lift"] > 10
    assert mined["q"] < 1e-6
    assert read_pairs(out, {"pot", "lid"}, Notes()) == [Pair("lid", "pot")]
    with pytest.raises(InputError, match="is the log of orders"):
        write_pairs(log, log, q=0.05, lift=1.5, together=3)
    assert log.read_text("utf-8").startswith("订单号")
