"""The layout expert: regularised logistic regression on the positions of a picture's text and on its colours.

It does not use words, as the lexical expert does, so the two err on different pictures. It is fitted only on labelled
samples, because the colours of synthetic pictures differ from real ones. It serves only tasks whose input is a picture.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Self

import numpy as np
from safetensors.numpy import load_file, save_file

from kdsl.config import Config
from kdsl.evidence.types import Evidence, Picture
from kdsl.experts.base import Expert, Material, Setup
from kdsl.experts.linear import LinearModel
from kdsl.tasks import Task

C = 0.03
"""Inverse strength of the regularisation."""
TENTHS, FIFTHS = 10, 5
SHORT = 4
"""Maximum characters of a short line, such as a button, a tab or a price."""
_FAR = 5.0
"""Standardised features are clipped at this many standard deviations, so that an unusual picture has limited effect."""
_HANZI = re.compile(r"[\u4e00-\u9fff]")
_DIGIT = re.compile(r"\d")
_PRICE = re.compile(r"[¥￥]")
_QUANTILES = (0.1, 0.5, 0.9, 1.0)


class LayoutExpert(Expert):
    """Standardised features of the pictures, then multinomial logistic regression of inverse strength `C`."""

    name = "layout"

    @classmethod
    def serves(cls, task: Task, config: Config) -> bool:
        return task.input == "picture"

    def fit(self, material: Material) -> Self:
        """Fit on labelled evidence; samples without a picture are left out."""
        labelled = material.labelled[self.task.name]
        seen = [evidence for evidence in labelled if evidence.pictures]
        features = np.stack([_features(evidence) for evidence in seen])
        self.mean_ = features.mean(axis=0)
        spread = features.std(axis=0)
        self.scale_ = np.where(spread > 1e-6, spread, 1.0)  # what never differs says nothing
        labels = np.array([self.task.index(evidence.sample.label or "") for evidence in seen])
        self.model_ = LinearModel.fit(self._standardised(features), labels, C)
        return self

    def scores(self, evidences: Sequence[Evidence]) -> np.ndarray:
        """Log-probabilities [n, m]; a row is NaN if the sample has no picture."""
        out = np.full((len(evidences), len(self.task.labels)), np.nan)
        rows = [i for i, evidence in enumerate(evidences) if evidence.pictures]
        if rows:
            features = self._standardised(np.stack([_features(evidences[i]) for i in rows]))
            out[rows] = self.model_.log_probs(features, len(self.task.labels))
        return out

    def save(self, place: Path) -> None:
        """Write `layout.safetensors` into the folder `place`."""
        place.mkdir(parents=True)
        tensors = {"mean": self.mean_, "scale": self.scale_} | self.model_.tensors
        save_file(tensors, place / "layout.safetensors")

    @classmethod
    def load(cls, place: Path, task: Task, setup: Setup) -> Self:
        tensors = load_file(place / "layout.safetensors")
        expert = cls(task, setup)
        expert.mean_, expert.scale_ = tensors["mean"], tensors["scale"]
        expert.model_ = LinearModel.of(tensors)
        return expert

    def _standardised(self, features: np.ndarray) -> np.ndarray:
        return np.clip((features - self.mean_) / self.scale_, -_FAR, _FAR)


def _features(evidence: Evidence) -> np.ndarray:
    """Features [f] of a sample: the mean over its pictures."""
    rows = [np.concatenate([_looks(picture), _geometry(picture)]) for picture in evidence.pictures]
    mean: np.ndarray = np.mean(rows, axis=0)
    return mean


def _looks(picture: Picture) -> np.ndarray:
    """Facts, size in thousands of pixels, and colours of the whole picture and of its cells."""
    facts = picture.facts
    told = [facts.kind == "photo", facts.has_text, facts.overlay, facts.dark, facts.aspect, facts.text_cover]
    measured = [facts.brightness, facts.saturation, facts.edges, picture.width / 1000, picture.height / 1000]
    return np.array([*told, *measured, *facts.colours, *facts.cells], dtype=np.float64)


def _geometry(picture: Picture) -> np.ndarray:
    """Positions, sizes and kinds of characters of the lines; zeros for a picture without text.

    Positions and widths are shares of the picture's sides. Heights are shares of its width, because letters are not
    larger in a longer screenshot.
    """
    lines = picture.lines
    if not lines:
        return np.zeros(_N_GEOMETRY)
    left, top, right, bottom = np.array([line.box for line in lines]).T / np.array(
        [[picture.width], [picture.height], [picture.width], [picture.height]]
    )
    width, height = right - left, (bottom - top) * picture.height / picture.width
    centre, middle = (left + right) / 2, np.clip((top + bottom) / 2, 0, 1 - 1e-9)
    characters = np.array([len(line.text) for line in lines])
    short = characters <= SHORT
    kinds = [
        np.array([len(pattern.findall(line.text)) for line in lines], float) for pattern in (_DIGIT, _HANZI, _PRICE)
    ]
    tenth = _members(middle, TENTHS)  # [10, lines]
    fifth = _members(middle, FIFTHS)
    written, counted = fifth @ characters, fifth.sum(axis=1)
    order = np.sort(middle)
    gaps = np.diff(order, prepend=0.0)
    widest = int(gaps.argmax())
    blocks = [
        [np.log1p(len(lines)), np.log1p(characters.sum())],
        np.quantile(height, _QUANTILES),
        np.quantile(width, _QUANTILES),
        _members(left, TENTHS).mean(axis=1),
        _members(right, TENTHS).mean(axis=1),
        tenth.mean(axis=1),
        tenth @ width,
        tenth @ centre / np.maximum(tenth.sum(axis=1), 1),
        (tenth * height).max(axis=1),
        *(fifth @ kind / np.maximum(written, 1) for kind in kinds),
        fifth @ short / np.maximum(counted, 1),
        [kind.sum() / max(characters.sum(), 1) for kind in kinds],
        [characters.max(), characters.mean(), short.mean(), (np.abs(centre - 0.5) < 0.05).mean()],
        [top.min(), bottom.max(), gaps[widest], order[widest], np.median(gaps)],
        [len({line.text for line in lines}) / len(lines)],
    ]
    return np.concatenate([np.asarray(block, dtype=np.float64) for block in blocks])


_N_GEOMETRY = 2 + 2 * len(_QUANTILES) + 6 * TENTHS + 4 * FIFTHS + 3 + 4 + 5 + 1


def _members(place: np.ndarray, parts: int) -> np.ndarray:
    """Indicators [parts, n]: which of the equal parts of 0..1 contains each position."""
    part = np.clip((place * parts).astype(int), 0, parts - 1)
    return (part == np.arange(parts)[:, None]).astype(np.float64)
