"""The lexical expert: regularised logistic regression on characters of the turns and of the pictures' text.

It is what a classical system would be, and one voice among others here, but it learns from two sources: the
labelled samples and, for tasks whose labels the synthetic world knows, what that world would say (labels'
meaning can be written down; a few hundred samples do not show it). Fields are weighted because they differ
in how directly they tell: the last user turn most, the agent's reply to it less.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from safetensors.numpy import load_file, save_file
from scipy.sparse import csr_matrix, hstack
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from kdsl.evidence.types import Evidence
from kdsl.experts.base import Expert, Material, Setup
from kdsl.scores import log_softmax
from kdsl.tasks import Task

FLOOR = -9.0
"""Log-probability of a label that the training samples do not show."""
C = 10.0
"""Inverse strength of the regularisation."""
LABELLED_WEIGHT = 3.0
"""How many imagined samples one labelled sample counts for."""
RECENT = 3
"""User turns that the field `recent_user` holds."""


def _placed_words(evidence: Evidence) -> str:
    """Each OCR line as one word, digits folded, once plain and once with its fifth of the height."""
    words = []
    for picture in evidence.pictures:
        for line in picture.lines:
            word = re.sub(r"\d+", "0", re.sub(r"\s", "", line.text))
            fifth = int(5 * (line.box[1] + line.box[3]) / 2 / max(picture.height, 1))
            words += [word, f"{fifth}|{word}"]
    return " ".join(words)


@dataclass(frozen=True)
class _Field:
    name: str
    weight: float
    analyzer: str


FIELDS = {
    "picture": (_Field("ocr", 1.0, "char"), _Field("placed", 0.5, "word")),
    "dialogue": (
        _Field("last_user", 1.0, "char"),
        _Field("recent_user", 1.0, "char"),
        _Field("reply", 0.6, "char"),
    ),
}


def _text(evidence: Evidence, name: str) -> str:
    if name == "ocr":
        return evidence.ocr_text.replace("\n", " ")
    if name == "placed":
        return _placed_words(evidence)
    said = [(i, text) for i, turn in enumerate(evidence.sample.turns) if turn.role == "user" and (text := turn.said)]
    if name == "reply":  # what the agent said next after the last user turn that says something
        later = evidence.sample.turns[said[-1][0] :] if said else ()
        return next((turn.said for turn in later if turn.role == "agent"), "")
    return "\n".join(text for _, text in said[-1 if name == "last_user" else -RECENT :])


def _vectorizer(field: _Field, vocabulary: dict[str, int] | None = None) -> TfidfVectorizer:
    min_df = 1 if vocabulary else 2  # a feature of one sample cannot be learned from, and is most of the vocabulary
    if field.analyzer == "word":
        return TfidfVectorizer(token_pattern=r"\S+", min_df=min_df, sublinear_tf=True, vocabulary=vocabulary)
    return TfidfVectorizer(analyzer="char", ngram_range=(1, 3), min_df=min_df, sublinear_tf=True, vocabulary=vocabulary)


def class_rows(model: LogisticRegression) -> tuple[np.ndarray, np.ndarray]:
    """Weights [m, f] and intercepts [m], a row a class; scikit-learn itself keeps one row for two classes."""
    if len(model.classes_) > 2:
        return model.coef_, model.intercept_
    return np.vstack([-model.coef_, model.coef_]) / 2, np.concatenate([-model.intercept_, model.intercept_]) / 2


class LexicalExpert(Expert):
    """TF-IDF over the task's fields, then multinomial logistic regression of inverse strength `C`."""

    name = "lexical"

    def fit(self, material: Material) -> Self:
        """Learn from labelled evidence and, at a third of its weight, from the synthetic world's."""
        labelled, imagined = material.labelled[self.task.name], material.imagined(self.task)
        evidences = [*labelled, *imagined]
        fields = FIELDS[self.task.input]
        self.vectorizers_: list[TfidfVectorizer] = []
        for field in fields:
            vectorizer = _vectorizer(field)
            try:
                vectorizer.fit([_text(e, field.name) for e in evidences])
            except ValueError:  # no text at all in this field: an empty vocabulary is refused by scikit-learn
                vectorizer = _vectorizer(field, {"\0": 0}).fit(["\0"])
            self.vectorizers_.append(vectorizer)
        labels = [self.task.index(e.sample.label or "") for e in evidences]
        weights = np.repeat([LABELLED_WEIGHT, 1.0], [len(labelled), len(imagined)])
        model = LogisticRegression(C=C, max_iter=3000).fit(self._features(evidences), labels, weights)
        self.classes_ = model.classes_.astype(np.int64)
        self.coef_, self.intercept_ = class_rows(model)
        return self

    def scores(self, evidences: Sequence[Evidence]) -> np.ndarray:
        """Log-probabilities [n, m]; a row is NaN where the evidence holds no text the expert knows."""
        features = self._features(evidences)
        out = np.full((len(evidences), len(self.task.labels)), FLOOR)
        out[:, self.classes_] = np.maximum(log_softmax(features @ self.coef_.T + self.intercept_), FLOOR)
        out[np.asarray(features.getnnz(axis=1)) == 0] = np.nan
        return out

    def save(self, place: Path) -> None:
        """Write `lexical.safetensors` and `lexical.json` (vocabularies) into the folder `place`."""
        place.mkdir(parents=True)
        tensors = {
            "coef": np.ascontiguousarray(self.coef_, np.float32),  # safetensors writes memory as it lies
            "intercept": self.intercept_.astype(np.float32),
            "classes": self.classes_,
        }
        for i, vectorizer in enumerate(self.vectorizers_):
            tensors[f"idf.{i}"] = vectorizer.idf_.astype(np.float32)
        save_file(tensors, place / "lexical.safetensors")
        words = [
            sorted(vectorizer.vocabulary_, key=vectorizer.vocabulary_.__getitem__) for vectorizer in self.vectorizers_
        ]
        text = json.dumps({"vocabularies": words}, ensure_ascii=False)
        (place / "lexical.json").write_text(text, "utf-8")

    @classmethod
    def load(cls, place: Path, task: Task, setup: Setup) -> Self:
        state = json.loads((place / "lexical.json").read_text("utf-8"))
        tensors = load_file(place / "lexical.safetensors")
        expert = cls(task, setup)
        expert.coef_, expert.intercept_ = tensors["coef"], tensors["intercept"]
        expert.classes_ = tensors["classes"]
        expert.vectorizers_ = []
        for i, (field, words) in enumerate(zip(FIELDS[task.input], state["vocabularies"], strict=True)):
            vectorizer = _vectorizer(field, {word: n for n, word in enumerate(words)})
            vectorizer.idf_ = tensors[f"idf.{i}"].astype(np.float64)
            expert.vectorizers_.append(vectorizer)
        return expert

    def _features(self, evidences: Sequence[Evidence]) -> csr_matrix:
        blocks = [
            field.weight * vectorizer.transform([_text(e, field.name) for e in evidences])
            for field, vectorizer in zip(FIELDS[self.task.input], self.vectorizers_, strict=True)
        ]
        return csr_matrix(hstack(blocks))
