"""The visual expert: regularised logistic regression on what a pretrained encoder makes of a sample's pictures.

It tells apart what is photographed, which no text says. Each picture is seen whole, and by its middle
(`kdsl.encoders.pictures.looks_of`). It is fitted only on labelled samples, and serves only tasks whose input is a
picture.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Self

import numpy as np
from safetensors.numpy import load_file, save_file

from kdsl.config import Config
from kdsl.encoders.pictures import PictureEncoder, looks_of
from kdsl.encoders.registry import picture_encoder
from kdsl.errors import BundleError
from kdsl.evidence.types import Evidence
from kdsl.experts.base import Expert, Material, Setup
from kdsl.experts.linear import LinearModel
from kdsl.tasks import Task

C = 30.0
"""Inverse strength of the regularisation; features of a sample have a squared length of at most 2."""


class VisualExpert(Expert):
    """Vectors of the pictures, then multinomial logistic regression of inverse strength `C`."""

    name = "visual"

    @classmethod
    def serves(cls, task: Task, config: Config) -> bool:
        return task.input == "picture" and config.encoders.picture is not None

    def fit(self, material: Material) -> Self:
        """Fit on labelled evidence; samples without a picture are left out."""
        seen = [evidence for evidence in material.labelled[self.task.name] if evidence.pictures]
        labels = np.array([self.task.index(evidence.sample.label or "") for evidence in seen])
        self.model_ = LinearModel.fit(self._features(seen), labels, C)
        return self

    def scores(self, evidences: Sequence[Evidence]) -> np.ndarray:
        """Log-probabilities [n, m]; a row is NaN if the sample has no picture.

        Raises:
            InputError: a picture's file is gone, or is larger than the one that was observed.
        """
        out = np.full((len(evidences), len(self.task.labels)), np.nan)
        rows = [i for i, evidence in enumerate(evidences) if evidence.pictures]
        if rows:
            features = self._features([evidences[i] for i in rows])
            out[rows] = self.model_.log_probs(features, len(self.task.labels))
        return out

    def vectors(self, evidences: Sequence[Evidence]) -> np.ndarray:
        """Features, float32 [n, 2 dim], rows of length 1, or 0 without a picture; raises as `scores` does."""
        out = np.zeros((len(evidences), 2 * self._encoder.dim), np.float32)
        rows = [i for i, evidence in enumerate(evidences) if evidence.pictures]
        if rows:
            out[rows] = self._features([evidences[i] for i in rows])
        return out / np.maximum(np.linalg.norm(out, axis=1, keepdims=True), 1e-9)

    def save(self, place: Path) -> None:
        """Write `visual.safetensors` and `visual.json` (the encoder) into the folder `place`."""
        place.mkdir(parents=True)
        save_file(self.model_.tensors, place / "visual.safetensors")
        (place / "visual.json").write_text(json.dumps({"encoder": self._encoder.version}), "utf-8")

    @classmethod
    def load(cls, place: Path, task: Task, setup: Setup) -> Self:
        expert = cls(task, setup)
        fitted, here = json.loads((place / "visual.json").read_text("utf-8"))["encoder"], expert._encoder.version
        if fitted != here:
            raise BundleError(
                f"{place}: fitted on encoder '{expert._encoder.name}' {fitted}, but {here} is installed. "
                "Install that version, or fit again."
            )
        expert.model_ = LinearModel.of(load_file(place / "visual.safetensors"))
        return expert

    @property
    def _encoder(self) -> PictureEncoder:
        return picture_encoder(self.setup.config.encoders.picture or "")

    def _features(self, evidences: Sequence[Evidence]) -> np.ndarray:
        """Features [n, 2 dim] of samples with pictures: the mean over each one's pictures."""
        return np.stack(
            [np.mean([looks_of(picture, self._encoder) for picture in e.pictures], axis=0) for e in evidences]
        )
