"""`KnownIntentions`: what a knowledge base holds of the intentions behind an item's products.

MIND's claim (Xu et al. 2024, arXiv 2406.10701) is that mined intentions make language models better at IntentionQA;
there models are fine-tuned on them, here the nearest stand before the question.
"""

from __future__ import annotations

from collections.abc import Sequence

from kdsl.errors import InputError
from kdsl.evaluation.intentionqa.items import Item, plain
from kdsl.knowledge.base import KnowledgeBase
from kdsl.knowledge.store.selection import Where
from kdsl.progress import track
from kdsl.runs import digest

MOST = 5
"""Intentions before a question."""
_MINED = Where(kinds=("intention",))


class KnownIntentions:
    """The intentions of a base that are nearest to an item's products, best first.

    Of task 2, whose second product is asked for, only the first is looked up.

    Raises:
        InputError: the base holds no intention.
    """

    def __init__(self, base: KnowledgeBase, items: Sequence[Item]) -> None:
        if not base.stats()["by_kind"].get("intention"):
            raise InputError(f"{base.folder}: holds no document of kind 'intention'; mine some and add them first.")
        self._lines = {item.id: _nearest(base, item) for item in track(items, "looking up intentions", len(items))}
        self.version = digest(self._lines)

    def __call__(self, item: Item) -> list[str]:
        return self._lines[item.id]


def _nearest(base: KnowledgeBase, item: Item) -> list[str]:
    names = item.products if item.task == 1 else item.products[:1]
    hits = base.search("\n".join(map(plain, names)), MOST, _MINED)
    return list(dict.fromkeys(hit.document.title for hit in hits))
