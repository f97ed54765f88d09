"""The visual expert: regularised logistic regression on what a pretrained encoder makes of a sample's pictures.

It tells apart what is photographed, which no text says. Each picture is seen whole, and by its middle
(`kdsl.encoders.pictures.looks_of`). It is fitted only on labelled samples, and serves only tasks whose input is a
picture.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from operator import is_
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
    _held: tuple[list[Evidence], np.ndarray] | None = None

    @classmethod
    def serves(cls, task: Task, config: Config) -> bool:
        return task.input == "picture" and config.encoders.picture is not None

    def fit(self, material: Material) -> Self:
        """Fit on labelled evidence; samples without a picture are left out."""
        seen = [evidence for evidence in material.labelled[self.task.name] if evidence.pictures]
        labels = np.array([self.task.index(evidence.sample.label or "") for evidence in seen])
        self.model_ = LinearModel.fit(self.looks(seen), labels, C)
        return self

    def scores(self, evidences: Sequence[Evidence]) -> np.ndarray:
        """Log-probabilities [n, m]; a row is NaN if the sample has no picture.

        Raises:
            InputError: a picture's file is gone, or is larger than the one that was observed.
        """
        out = self.model_.log_probs(self.looks(evidences), len(self.task.labels))
        out[[not evidence.pictures for evidence in evidences]] = np.nan
        return out

    def logits(self, evidences: Sequence[Evidence]) -> np.ndarray:
        """Unnormalised scores [n, c] of the labels that the model was fitted on; raises as `scores` does."""
        return self.model_.logits(self.looks(evidences))

    def vectors(self, evidences: Sequence[Evidence]) -> np.ndarray:
        """`looks` of length 1, float32 [n, 2 dim], or 0 without a picture; raises as `scores` does."""
        looks = self.looks(evidences)
        return looks / np.maximum(np.linalg.norm(looks, axis=1, keepdims=True), 1e-9)

    def looks(self, evidences: Sequence[Evidence]) -> np.ndarray:
        """Features, float32 [n, 2 dim]: the mean over a sample's pictures, 0 without any. They are kept until others
        are asked for, as several ask about the same. Raises as `scores` does."""
        asked, held = list(evidences), self._held
        if held is None or len(held[0]) != len(asked) or not all(map(is_, held[0], asked)):
            looks = np.zeros((len(asked), 2 * self._encoder.dim), np.float32)
            for row, evidence in enumerate(asked):
                if evidence.pictures:
                    looks[row] = np.mean([looks_of(picture, self._encoder) for picture in evidence.pictures], axis=0)
            held = self._held = (asked, looks)
        return held[1]

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
