"""`KnownIntentions`: what a knowledge base of intentions holds of an item's products, to be put before the question.

MIND's claim (Xu et al. 2024, arXiv 2406.10701) is that mined intentions make language models better at IntentionQA.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from kdsl.encoders.base import TextEncoder
from kdsl.errors import InputError
from kdsl.evaluation.intentionqa.items import Item, plain
from kdsl.knowledge.documents import Document
from kdsl.runs import digest

MOST = 5
"""Intentions before a question."""


class KnownIntentions:
    """The intentions whose products are most like an item's, the nearest first.

    Of task 2, whose second product is asked for, only the first is looked up.

    Args:
        documents: those of the kind `intention` count: the title says why, the text names the products.

    Raises:
        InputError: there is none.
    """

    def __init__(self, documents: Sequence[Document], encoder: TextEncoder) -> None:
        self._documents = [document for document in documents if document.kind == "intention"]
        if not self._documents:
            raise InputError(
                "the knowledge holds no intention (documents of kind: intention); `kdsl knowledge mine` makes them."
            )
        self._encoder = encoder
        self._vectors = encoder.encode([document.text for document in self._documents])
        self.version = digest(encoder.version, [document.digest for document in self._documents])

    def __call__(self, item: Item) -> list[str]:
        names = item.products if item.task == 1 else item.products[:1]
        [query] = self._encoder.encode(["\n".join(map(plain, names))])
        nearest = np.argsort(-(self._vectors @ query), kind="stable")[:MOST]
        return list(dict.fromkeys(self._documents[place].title for place in nearest))
