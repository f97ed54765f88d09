"""Fields: the texts of a sample that classical experts read apart, as they tell in unlike ways; and their TF-IDF."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np
from scipy.sparse import csr_matrix, hstack
from sklearn.feature_extraction.text import TfidfVectorizer

from kdsl.evidence.types import Evidence
from kdsl.words import spaced, words_of

RECENT = 3
"""User turns that the field `recent_user` holds."""


def _if_spaced(text: str) -> str:
    """The text in lower case where it is written in words, and nothing otherwise."""
    return text.lower() if spaced(text) else ""


_COUNTED: Mapping[str, Mapping[str, Any]] = {
    "char": {"analyzer": "char", "ngram_range": (1, 3)},
    "word": {"preprocessor": _if_spaced, "tokenizer": words_of, "token_pattern": None, "ngram_range": (1, 2)},
    "part-of-word": {"preprocessor": _if_spaced, "analyzer": "char_wb", "ngram_range": (2, 5)},
    "white-space": {"token_pattern": r"\S+"},
    "within-words": {"analyzer": "char_wb", "ngram_range": (2, 5)},
}


@dataclass(frozen=True)
class Field:
    """A field by its name (`field_text`), how much its features weigh, and what they are counted over.

    `char`: 1 to 3 characters; `word`: one or two words; `part-of-word`: 2 to 5 characters of a word with its borders;
    `white-space`: what stands between white space; `within-words`: 2 to 5 characters of that with its borders, in lower
    case. `word` and `part-of-word` are of texts that are written in words alone (`kdsl.words.spaced`), so a text in
    Chinese has none.
    """

    name: str
    weight: float
    unit: Literal["char", "word", "part-of-word", "white-space", "within-words"]


def field_text(evidence: Evidence, name: str) -> str:
    """One field of a sample; empty where the sample has none.

    Args:
        name: `ocr`, the text of the pictures; `placed`, its lines as words with their place; `last_user`, the last
            user turn that says something; `recent_user`, the last `RECENT` of them; `reply`, what the agent said next.
    """
    if name == "ocr":
        return evidence.ocr_text.replace("\n", " ")
    if name == "placed":
        return _placed_words(evidence)
    said = [(i, text) for i, turn in enumerate(evidence.sample.turns) if turn.role == "user" and (text := turn.said)]
    if name == "reply":
        later = evidence.sample.turns[said[-1][0] :] if said else ()
        return next((turn.said for turn in later if turn.role == "agent"), "")
    return "\n".join(text for _, text in said[-1 if name == "last_user" else -RECENT :])


class TfIdf:
    """TF-IDF of the texts of some fields, side by side; learned by `fit`, or read by `of`."""

    def __init__(self, fields: Sequence[Field]) -> None:
        self.fields = tuple(fields)

    def fit(self, texts: Sequence[Sequence[str]]) -> Self:
        """Learn vocabularies and document frequencies.

        Args:
            texts: [fields][n].
        """
        self.vectorizers_: list[TfidfVectorizer] = []
        for field, column in zip(self.fields, texts, strict=True):
            vectorizer = _vectorizer(field)
            try:
                vectorizer.fit(column)
            except ValueError:  # nothing stands in two texts: an empty vocabulary is refused by scikit-learn
                vectorizer = _vectorizer(field, {"\0": 0}).fit(["\0"])
            self.vectorizers_.append(vectorizer)
        return self

    def transform(self, texts: Sequence[Sequence[str]]) -> csr_matrix:
        """Features [n, f] of texts [fields][n]; a field's part of a row has the length of its weight, or 0."""
        blocks = [
            field.weight * vectorizer.transform(column)
            for field, vectorizer, column in zip(self.fields, self.vectorizers_, texts, strict=True)
        ]
        return csr_matrix(hstack(blocks))

    @property
    def tensors(self) -> dict[str, np.ndarray]:
        """Inverse document frequencies by name."""
        return {f"idf.{i}": vectorizer.idf_.astype(np.float32) for i, vectorizer in enumerate(self.vectorizers_)}

    @property
    def vocabularies(self) -> list[list[str]]:
        """Of each field, what is counted, in the order of the features."""
        return [sorted(v.vocabulary_, key=v.vocabulary_.__getitem__) for v in self.vectorizers_]

    @classmethod
    def of(
        cls, fields: Sequence[Field], vocabularies: Sequence[Sequence[str]], tensors: Mapping[str, np.ndarray]
    ) -> Self:
        """What `vocabularies` and `tensors` gave."""
        read = cls(fields)
        read.vectorizers_ = []
        for i, (field, words) in enumerate(zip(read.fields, vocabularies, strict=True)):
            vectorizer = _vectorizer(field, {word: n for n, word in enumerate(words)})
            vectorizer.idf_ = tensors[f"idf.{i}"].astype(np.float64)
            read.vectorizers_.append(vectorizer)
        return read


def _vectorizer(field: Field, vocabulary: dict[str, int] | None = None) -> TfidfVectorizer:
    min_df = 1 if vocabulary else 2  # a feature of one sample cannot be learned from, and is most of the vocabulary
    return TfidfVectorizer(**_COUNTED[field.unit], min_df=min_df, sublinear_tf=True, vocabulary=vocabulary)


def _placed_words(evidence: Evidence) -> str:
    """Each OCR line as one word, digits folded, once plain and once with its fifth of the height."""
    words = []
    for picture in evidence.pictures:
        for line in picture.lines:
            word = re.sub(r"\d+", "0", re.sub(r"\s", "", line.text))
            fifth = int(5 * (line.box[1] + line.box[3]) / 2 / max(picture.height, 1))
            words += [word, f"{fifth}|{word}"]
    return " ".join(words)
