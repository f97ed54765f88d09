"""`Pair`: two products that were bought together: read from a file, or mined from a log of orders.

Raw counts of common orders favour what everybody buys. A pair is kept if its products share more orders than chance
gives them: by lift, and by Fisher's exact test (one-sided: the upper tail of the hypergeometric distribution) with the
share of false discoveries controlled over all pairs of products that could have met (Benjamini and Hochberg, 1995).
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import hypergeom

from kdsl.data.fields import is_empty
from kdsl.data.files import BadRow
from kdsl.data.notes import Notes
from kdsl.data.rows import file_rows
from kdsl.errors import InputError
from kdsl.files import write_jsonl

A = ("a", "product_a", "item_a_id", "id_a", "item_a", "asin_a", "商品a", "商品1")
B = ("b", "product_b", "item_b_id", "id_b", "item_b", "asin_b", "商品b", "商品2")
ORDER = ("order_id", "order", "订单", "订单号", "订单编号", "transaction_id", "basket", "invoice")
PRODUCT = ("product_id", "product", "item_id", "item", "sku", "asin", "id", "商品编号", "商品id", "商品")
"""Names of columns, in lower case."""

MOST_ITEMS = 50
"""An order of more different products is a wholesaler's: it says nothing of what belongs together."""


@dataclass(frozen=True, slots=True)
class Pair:
    """The ids of two products; the smaller one first, since buying together has no direction."""

    a: str
    b: str

    @classmethod
    def of(cls, one: str, other: str) -> Pair:
        """The pair of two ids, in order."""
        return cls(min(one, other), max(one, other))


@dataclass(frozen=True, slots=True)
class MinedPair:
    """A pair with what the orders say: `together` of `orders` orders hold both; `q` is its adjusted p-value."""

    pair: Pair
    together: int
    a_orders: int
    b_orders: int
    lift: float
    q: float

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "a": self.pair.a,
            "b": self.pair.b,
            "together": self.together,
            "a_orders": self.a_orders,
            "b_orders": self.b_orders,
            "lift": round(self.lift, 4),
            "q": float(f"{self.q:.4g}"),
        }


def read_pairs(path: Path, known: Collection[str], notes: Notes) -> list[Pair]:
    """The different pairs of a file (JSONL, JSON, CSV, Excel), in its order.

    Pairs of products that are not in the catalogue, and rows that are no pair, are noted and left out.

    Args:
        known: ids of the products of the catalogue.

    Raises:
        InputError: the file cannot be read, or has no pair that could be asked about.
    """
    found: dict[Pair, None] = {}
    for where, values in _rows(path, notes):
        one, other = _value(values, A), _value(values, B)
        if one is None or other is None:
            notes.add(f"rows without two products are left out; expected columns such as {A[0]} and {B[0]}", where)
        elif one == other:
            notes.add("pairs of a product with itself are left out", where, one)
        elif missing := [id for id in (one, other) if id not in known]:
            notes.add("pairs of a product that is not in the catalogue are left out", where, missing[0])
        else:
            found[Pair.of(one, other)] = None
    if not found:
        reasons = "\n".join(f"  - {line}" for line in notes.lines())
        raise InputError(f"{path}: holds no pair of two products of the catalogue.\n{reasons}")
    return list(found)


def read_orders(path: Path, notes: Notes) -> list[frozenset[str]]:
    """The orders of a log with one row per order and product: the set of products of each.

    Raises:
        InputError: the file cannot be read, or no row names an order and a product.
    """
    orders: dict[str, set[str]] = defaultdict(set)
    for where, values in _rows(path, notes):
        order, product = _value(values, ORDER), _value(values, PRODUCT)
        if order is None or product is None:
            names = f"{ORDER[0]} and {PRODUCT[0]}"
            notes.add(f"rows without an order or a product are left out; expected columns such as {names}", where)
        else:
            orders[order].add(product)
    if not orders:
        raise InputError(f"{path}: has no row with an order and a product (columns {ORDER[0]} and {PRODUCT[0]}).")
    if large := [order for order, products in orders.items() if len(products) > MOST_ITEMS]:
        notes.add(f"orders of more than {MOST_ITEMS} products are left out", f"order {large[0]}")
    return [frozenset(products) for products in orders.values() if len(products) <= MOST_ITEMS]


def mine_pairs(
    orders: Collection[frozenset[str]], *, q: float = 0.05, lift: float = 1.5, together: int = 3
) -> list[MinedPair]:
    """Pairs that are bought together more often than chance, those that are surest first.

    Args:
        q: share of the pairs kept that may be chance.
        lift: least ratio of the orders that hold both to those that would by chance.
        together: least number of orders that hold both: with fewer, a pair may be two customers' whim.

    Raises:
        InputError: `q` or `lift` is no number.
    """
    for name, value in (("q", q), ("lift", lift)):
        if math.isnan(value):
            raise InputError(f"`{name}` is not a number ({value}).")
    single = Counter(product for order in orders for product in order)
    both = Counter(pair for order in orders for pair in combinations(sorted(order), 2))
    pairs = list(both)
    counts = np.array([(both[a, b], single[a], single[b]) for a, b in pairs], np.int64).reshape(-1, 3)
    log_p = hypergeom.logsf(counts[:, 0] - 1, len(orders), counts[:, 1], counts[:, 2])
    adjusted = np.exp(np.minimum(_benjamini_hochberg(log_p, len(single) * (len(single) - 1) // 2), 0))
    lifts = counts[:, 0] * len(orders) / np.maximum(counts[:, 1] * counts[:, 2], 1)
    kept = np.flatnonzero((adjusted <= q) & (lifts >= lift) & (counts[:, 0] >= together))
    order = sorted(kept, key=lambda i: (log_p[i], pairs[i]))
    return [
        MinedPair(Pair(*pairs[i]), together=n, a_orders=a, b_orders=b, lift=float(lifts[i]), q=float(adjusted[i]))
        for i, (n, a, b) in zip(order, counts[order].tolist(), strict=True)
    ]


def write_pairs(orders: Path, out: Path, *, q: float, lift: float, together: int) -> int:
    """Mine the pairs of a log of orders (`mine_pairs`) into a file; returns their number.

    Raises:
        InputError: the log cannot be read, `out` cannot be written or is the log, or `q` or `lift` is no number.
    """
    if out.exists() and out.samefile(orders):
        raise InputError(f"{out}: is the log of orders; write the pairs to another file.")
    notes = Notes()
    found = mine_pairs(read_orders(orders, notes), q=q, lift=lift, together=together)
    notes.log(orders)
    write_jsonl(out, (pair.as_dict() for pair in found))
    return len(found)


def _benjamini_hochberg(log_p: np.ndarray, tests: int) -> np.ndarray:
    """Adjusted log-p-values [n] of n tests out of `tests`, of which all others have p = 1 (pairs that never met)."""
    order = np.argsort(log_p, kind="stable")
    ranked = log_p[order] + np.log(max(tests, 1)) - np.log(np.arange(1, len(log_p) + 1))
    adjusted = np.empty_like(ranked)
    adjusted[order] = np.minimum.accumulate(ranked[::-1])[::-1]
    return adjusted


def _rows(path: Path, notes: Notes) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Rows of named values with their place; others are noted."""
    for row in file_rows(path, notes):
        if isinstance(row, BadRow) or not isinstance(row.value, dict):
            notes.add("rows cannot be read", row.where, row.message if isinstance(row, BadRow) else "no object")
        else:
            yield row.where, {str(name).strip().lower(): value for name, value in row.value.items()}


def _value(values: Mapping[str, Any], names: tuple[str, ...]) -> str | None:
    """The first of these columns that has a value, as text."""
    found = next((values[name] for name in names if not is_empty(values.get(name))), None)
    if isinstance(found, float) and found.is_integer():
        found = int(found)
    return str(found).strip() or None if isinstance(found, str | int) else None
