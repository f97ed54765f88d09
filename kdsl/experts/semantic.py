"""The semantic expert: regularised logistic regression on what a pretrained encoder makes of a sample's texts.

An encoder has read the world: it knows that 'my parcel is late' and 'delivery delayed' are near before any sample says
so. Its vectors stand beside TF-IDF within words, which knows names and codes that the encoder does not; one model on
both is better than two models whose votes are added (docs/experiments.md, 2026-11-26).

A label's name and descriptions count as samples of it, each as a statement and as a question: they are what a user
would have to say to need that label, and a label that has no other sample is predicted from them. Where a label has
fewer samples than the labels have on average, they count for more, so that it is not drowned by the others.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from safetensors.numpy import load_file, save_file
from scipy.sparse import csr_matrix, hstack

from kdsl.config import Config
from kdsl.encoders.base import TextEncoder
from kdsl.encoders.registry import text_encoder
from kdsl.errors import BundleError
from kdsl.evidence.types import Evidence
from kdsl.experts.base import Expert, Material, Setup
from kdsl.experts.fields import Field, TfIdf, field_text
from kdsl.experts.linear import LinearModel
from kdsl.tasks import Label, Task

C = 30.0
"""Inverse strength of the regularisation; features of a sample have a squared length of about 3, or 2."""
ENCODER = {"picture": 1.0, "dialogue": 1.5}
"""How long an encoder's vectors are beside those of TF-IDF; OCR text is mostly names and fixed phrases."""
DESCRIBED = 4.0
"""How many samples a label's descriptions count for, together, per sample that it lacks to the mean of the labels."""
FIELDS = {
    "picture": (Field("ocr", 1.0, "within-words"),),
    "dialogue": (
        Field("last_user", 0.65, "within-words"),
        Field("recent_user", 0.65, "within-words"),
        Field("reply", 0.39, "within-words"),
    ),
}
"""Squared weights add up to 1; their ratios are those of the lexical expert."""
_REPLY = "reply"


@dataclass(frozen=True)
class _Read:
    """Texts [fields][n], their features [n, f], and of those the encoders' vectors [n, dim] of each field."""

    texts: list[list[str]]
    features: csr_matrix
    vectors: list[np.ndarray]


class SemanticExpert(Expert):
    """Vectors and TF-IDF over the task's fields, then multinomial logistic regression of inverse strength `C`."""

    name = "semantic"
    _held: _Read | None = None

    @classmethod
    def serves(cls, task: Task, config: Config) -> bool:
        return bool(config.encoders.text)

    def basis(self, material: Material) -> str | None:
        described = sum(bool(label.descriptions) for label in self.task.labels)
        return f"the names of {len(self.task.labels)} labels, {described} of them with descriptions"

    def fit(self, material: Material) -> Self:
        """Learn from labelled evidence, and from what the labels are called and described as."""
        return self.fit_on(material.labelled[self.task.name])

    def fit_on(self, labelled: Sequence[Evidence]) -> Self:
        """`fit` on labelled evidence alone."""
        described = [(column, text) for column, label in enumerate(self.task.labels) for text in descriptions(label)]
        texts = [
            [*said, *("" if field.name == _REPLY else text for _, text in described)]
            for field, said in zip(self._fields, self._texts(labelled), strict=True)
        ]
        columns = np.array([self.task.index(e.sample.label or "") for e in labelled], int)
        named = np.array([column for column, _ in described])
        weights = np.concatenate([np.ones(len(columns)), self._weights(columns, named)])
        self.tf_idf_, self._held = TfIdf(self._fields).fit(texts), None
        self.model_ = LinearModel.fit(self._read_texts(texts).features, np.concatenate([columns, named]), C, weights)
        return self

    def scores(self, evidences: Sequence[Evidence]) -> np.ndarray:
        """Log-probabilities [n, m]; a row is NaN where the evidence holds no text."""
        read = self._read(evidences)
        out = self.model_.log_probs(read.features, len(self.task.labels))
        out[[not any(said) for said in zip(*read.texts, strict=True)]] = np.nan
        return out

    def logits(self, evidences: Sequence[Evidence]) -> np.ndarray:
        """Unnormalised scores [n, c] of the labels that the model was fitted on."""
        return self.model_.logits(self._read(evidences).features)

    def vectors(self, evidences: Sequence[Evidence]) -> np.ndarray:
        """The encoders' vectors of each field side by side, float32 [n, d], rows of length 1, or 0 without any text."""
        return _joined(self._read(evidences).vectors)

    def subjects(self, evidences: Sequence[Evidence]) -> np.ndarray:
        """As `vectors`, without what the agent replied, which a question that nobody has answered yet lacks."""
        fields = np.repeat([field.name for field in self._fields], len(self._encoders))
        vectors = self._read(evidences).vectors
        return _joined([column for name, column in zip(fields, vectors, strict=True) if name != _REPLY])

    def subjects_of(self, texts: Sequence[str]) -> np.ndarray:
        """`subjects` [n, d] of samples in which a user says one of these texts and nothing else."""
        fields = [field for field in self._fields if field.name != _REPLY]
        return _joined([self._weight(field) * encoder.encode(texts) for field in fields for encoder in self._encoders])

    def save(self, place: Path) -> None:
        """Write `semantic.safetensors` and `semantic.json` (vocabularies, encoder) into the folder `place`."""
        place.mkdir(parents=True)
        tensors = self.model_.tensors
        tensors |= {name: tensors[name].astype(np.float32) for name in ("coef", "intercept")}
        save_file(tensors | self.tf_idf_.tensors, place / "semantic.safetensors")
        state = {"encoders": self._versions, "vocabularies": self.tf_idf_.vocabularies}
        (place / "semantic.json").write_text(json.dumps(state, ensure_ascii=False), "utf-8")

    @classmethod
    def load(cls, place: Path, task: Task, setup: Setup) -> Self:
        state = json.loads((place / "semantic.json").read_text("utf-8"))
        tensors = load_file(place / "semantic.safetensors")
        expert = cls(task, setup)
        if expert._versions != state.get("encoders"):
            raise BundleError(
                f"{place}: fitted on encoders {state.get('encoders')}, but {expert._versions} are installed. "
                "Install those versions, or fit again."
            )
        expert.model_ = LinearModel.of(tensors)
        expert.tf_idf_ = TfIdf.of(expert._fields, state["vocabularies"], tensors)
        return expert

    @property
    def _fields(self) -> tuple[Field, ...]:
        return FIELDS[self.task.input]

    @property
    def _encoders(self) -> list[TextEncoder]:
        return [text_encoder(name) for name in self.setup.config.encoders.text]

    @property
    def _versions(self) -> dict[str, str]:
        return {encoder.name: encoder.version for encoder in self._encoders}

    def _weights(self, columns: np.ndarray, named: np.ndarray) -> np.ndarray:
        """How many samples each description counts for, [d], given the columns of samples [n] and descriptions [d]."""
        samples, texts = (np.bincount(each, minlength=len(self.task.labels)) for each in (columns, named))
        return np.maximum(1.0, DESCRIBED * (samples.mean() - samples) / texts)[named]

    def _texts(self, evidences: Sequence[Evidence]) -> list[list[str]]:
        """[fields][n]."""
        return [[field_text(e, field.name) for e in evidences] for field in self._fields]

    def _read(self, evidences: Sequence[Evidence]) -> _Read:
        """What the model is given of samples; kept until the next ones come, as several ask about the same."""
        texts, held = self._texts(evidences), self._held
        if held is None or held.texts != texts:
            held = self._held = self._read_texts(texts)
        return held

    def _read_texts(self, texts: list[list[str]]) -> _Read:
        vectors = self._vectors(texts)
        features = csr_matrix(hstack([self.tf_idf_.transform(texts), *map(csr_matrix, vectors)]))
        return _Read(texts, features, vectors)

    def _weight(self, field: Field) -> float:
        """How long an encoder's vectors of a field are."""
        return ENCODER[self.task.input] * field.weight

    def _vectors(self, texts: Sequence[Sequence[str]]) -> list[np.ndarray]:
        """Of each field and encoder, [n, dim]."""
        return [
            self._weight(field) * encoder.encode(column)
            for field, column in zip(self._fields, texts, strict=True)
            for encoder in self._encoders
        ]


def _joined(columns: Sequence[np.ndarray]) -> np.ndarray:
    """Vectors [n, dim] side by side, float32 [n, d], rows of length 1, or 0."""
    joined = np.hstack(columns).astype(np.float32)
    return joined / np.maximum(np.linalg.norm(joined, axis=1, keepdims=True), 1e-9)


def descriptions(label: Label) -> list[str]:
    """What a label is called and described as, each text once as a statement and once as a question."""
    return list(dict.fromkeys(form for text in label.texts for form in (text, f"{text.rstrip('?？')}?")))
