"""The lexical expert: regularised logistic regression on n-grams of the turns (of characters, and in scripts with
spaces of words) and of the pictures' text.

It is what a classical system would be, and one voice among others here, but it learns from two sources: the
labelled samples and, for tasks whose labels the synthetic world knows, what that world would say (labels'
meaning can be written down; a few hundred samples do not show it). Fields are weighted because they differ
in how directly they tell: the last user turn most, the agent's reply to it less.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Self

import numpy as np
from safetensors.numpy import load_file, save_file

from kdsl.evidence.types import Evidence
from kdsl.experts.base import Expert, Material, Setup
from kdsl.experts.fields import Field, TfIdf, field_text
from kdsl.experts.linear import LinearModel
from kdsl.tasks import Task

C = 10.0
"""Inverse strength of the regularisation."""
LABELLED_WEIGHT = 3.0
"""How many imagined samples one labelled sample counts for."""
FIELDS = {
    "picture": (Field("ocr", 1.0, "char"), Field("placed", 0.5, "white-space")),
    "dialogue": (
        Field("last_user", 1.0, "char"),
        Field("recent_user", 1.0, "char"),
        Field("reply", 0.6, "char"),
        Field("last_user", 1.0, "part-of-word"),
        Field("last_user", 0.5, "word"),
    ),
}


class LexicalExpert(Expert):
    """TF-IDF over the task's fields, then multinomial logistic regression of inverse strength `C`."""

    name = "lexical"

    def basis(self, material: Material) -> str | None:
        imagined = material.imagined(self.task)
        return f"{len(imagined)} samples of the synthetic world" if imagined else None

    def fit(self, material: Material) -> Self:
        """Learn from labelled evidence and, at a third of its weight, from the synthetic world's."""
        labelled, imagined = material.labelled[self.task.name], material.imagined(self.task)
        evidences = [*labelled, *imagined]
        texts = self._texts(evidences)
        self.tf_idf_ = TfIdf(FIELDS[self.task.input]).fit(texts)
        columns = np.array([self.task.index(e.sample.label or "") for e in evidences])
        weights = np.repeat([LABELLED_WEIGHT, 1.0], [len(labelled), len(imagined)])
        self.model_ = LinearModel.fit(self.tf_idf_.transform(texts), columns, C, weights)
        return self

    def scores(self, evidences: Sequence[Evidence]) -> np.ndarray:
        """Log-probabilities [n, m]; a row is NaN where the evidence holds no text the expert knows."""
        features = self.tf_idf_.transform(self._texts(evidences))
        out = self.model_.log_probs(features, len(self.task.labels))
        out[np.asarray(features.getnnz(axis=1)) == 0] = np.nan
        return out

    def save(self, place: Path) -> None:
        """Write `lexical.safetensors` and `lexical.json` (vocabularies) into the folder `place`."""
        place.mkdir(parents=True)
        tensors = self.model_.tensors
        tensors |= {name: tensors[name].astype(np.float32) for name in ("coef", "intercept")}
        save_file(tensors | self.tf_idf_.tensors, place / "lexical.safetensors")
        text = json.dumps({"vocabularies": self.tf_idf_.vocabularies}, ensure_ascii=False)
        (place / "lexical.json").write_text(text, "utf-8")

    @classmethod
    def load(cls, place: Path, task: Task, setup: Setup) -> Self:
        state = json.loads((place / "lexical.json").read_text("utf-8"))
        tensors = load_file(place / "lexical.safetensors")
        expert = cls(task, setup)
        expert.model_ = LinearModel.of(tensors)
        expert.tf_idf_ = TfIdf.of(FIELDS[task.input], state["vocabularies"], tensors)
        return expert

    def _texts(self, evidences: Sequence[Evidence]) -> list[list[str]]:
        return [[field_text(e, field.name) for e in evidences] for field in FIELDS[self.task.input]]
