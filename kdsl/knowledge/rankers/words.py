"""`WordRanker`: BM25 over words, by the library bm25s; what a word is depends on the script."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import chain, groupby, pairwise
from pathlib import Path
from typing import Self

import numpy as np
from bm25s import BM25

from kdsl.errors import BundleError
from kdsl.knowledge.rankers.base import Item, Ranker
from kdsl.words import is_word, normalise, units


class WordRanker(Ranker):
    """Words in common, rare ones above all: BM25 as Lucene has it (k1 = 1.5, b = 0.75).

    A word of a query counts once. A similarity is the share of the score that a document would have in which each of
    the query's words scores as much as it does anywhere.

    Source: Robertson & Zaragoza (2009), The Probabilistic Relevance Framework; Lù (2024), BM25S, arXiv 2407.03618.
    """

    name = "words"

    def fit(self, items: Sequence[Item]) -> Self:
        # bm25s cannot index texts without any word: the empty word, which is in no query, stands in for all of them
        found = [terms(_text(item)) or ("",) for item in items]
        # sorted, as bm25s would number them in the order of a set
        numbers = {term: number for number, term in enumerate(sorted({"", *chain.from_iterable(found)}))}
        bm25 = BM25(backend="numpy")
        bm25.index(([[numbers[term] for term in own] for own in found], numbers), show_progress=False)
        self._hold(bm25)
        return self

    @property
    def items(self) -> int:
        return int(self._bm25.scores["num_docs"])

    @property
    def known(self) -> int:
        starts = self._bm25.scores["indptr"]
        return self.items - int(starts[1] - starts[0])  # the empty word has the first column

    def similarities(self, queries: Sequence[Item]) -> np.ndarray:
        found = np.zeros((len(queries), self.items), np.float32)
        for row, query in enumerate(queries):
            if ids := self._bm25.get_tokens_ids(list(dict.fromkeys(terms(_text(query))))):
                found[row] = self._bm25.get_scores_from_ids(ids) / self._most[ids].sum()
        return found

    def save(self, folder: Path) -> None:
        """Write the files of bm25s: three arrays without pickle, the words and the parameters as JSON."""
        self._bm25.save(folder, show_progress=False)

    @classmethod
    def load(cls, folder: Path) -> Self:
        ranker = cls()
        try:
            ranker._hold(BM25.load(folder, show_progress=False))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise BundleError(f"{folder}: the words cannot be read ({error!r}); build it again.") from error
        return ranker

    def _hold(self, bm25: BM25) -> None:
        self._bm25 = bm25
        best = np.maximum.reduceat(np.append(bm25.scores["data"], 0), bm25.scores["indptr"][:-1])
        self._most = np.maximum(best, 1e-9)


@lru_cache(maxsize=1 << 15)
def terms(text: str) -> tuple[str, ...]:
    """The words of a text, and of runs of a script without spaces each pair of neighbouring characters.

    Pairs are what Lucene's analyzer for Chinese, Japanese and Korean indexes: they need no dictionary and tell more
    than single characters; a character without a neighbour stands alone. Signs are left out, and all numbers are one
    word, because prices and dates do not depend on the label.
    """
    found: list[str] = []
    for kind, run in groupby(units(normalise(text)), key=_kind):
        if kind == "word":
            found += ["0" if unit.isdigit() else unit for unit in run]
        elif kind == "letter":
            letters = list(run)
            found += map("".join, pairwise(letters)) if len(letters) > 1 else letters
    return tuple(found)


def _kind(unit: str) -> str:
    if is_word(unit):
        return "word"
    return "letter" if unit.isalnum() else "sign"


def _text(item: Item) -> str:
    return f"{item.document.title}\n{item.document.text}"
