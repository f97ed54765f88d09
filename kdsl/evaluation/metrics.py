"""`Metrics`: evaluation of predictions against gold labels. F1, precision, recall and accuracy are scikit-learn's."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.metrics import accuracy_score, precision_recall_fscore_support

from kdsl.evaluation.predictions import FAILED, Judged

BINS = 15
COVERAGES = (0.5, 0.6, 0.7, 0.8, 0.9, 1.0)

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Bin:
    """One bin of a reliability diagram: n predictions with mean probability `confidence` and their `accuracy`."""

    low: float
    high: float
    n: int
    confidence: float
    accuracy: float


@dataclass(frozen=True)
class Confidence:
    """Quality of the probabilities. Failed samples have no probability and are left out."""

    ece: float
    """Expected calibration error over `BINS` bins of equal width (Naeini et al., AAAI 2015)."""
    aurc: float
    """Area under the risk-coverage curve: mean error rate over all coverages (Geifman et al., ICLR 2019)."""
    accuracy_at: dict[str, float]
    """Coverage ('0.70') -> accuracy on that share of the samples, the most confident ones."""
    bins: tuple[Bin, ...]
    curve: tuple[float, ...]
    """Error rate on the most confident 1, 2, ... n samples."""


@dataclass(frozen=True)
class LabelMetrics:
    """One label: gold samples (`support`), number of predictions, and its metrics."""

    label: str
    support: int
    predicted: int
    precision: float
    recall: float
    f1: float


@dataclass(frozen=True)
class Confusion:
    """Gold samples of one label predicted as another; `share` is relative to the gold label's samples."""

    gold: str
    predicted: str
    n: int
    share: float


@dataclass(frozen=True)
class SpendSummary:
    """Maximum spend of a sample, and the mean number of calls."""

    max_calls: int
    max_output_tokens: int
    max_parameters: int
    mean_calls: float


@dataclass(frozen=True)
class Metrics:
    """Metrics of one set of samples. f1, precision and recall are weighted by support, as in the challenge."""

    n: int
    f1: float
    macro_f1: float
    precision: float
    recall: float
    accuracy: float
    failed: int
    """Samples without a prediction; they count as wrong."""
    abstained: float
    """Share of predictions that abstain ('ask a person')."""
    confidence: Confidence | None
    """None if predictions have no probabilities."""
    spent: SpendSummary | None
    labels: tuple[LabelMetrics, ...]
    confusions: tuple[Confusion, ...]

    def summary(self) -> dict[str, Any]:
        """Plain values for metrics.json, without the points of curves."""
        plain = asdict(self)
        if plain["confidence"]:
            del plain["confidence"]["curve"]
        return plain


def compute_metrics(judged: Sequence[Judged]) -> Metrics:
    """All metrics of at least one judged sample.

    Macro F1 is the unweighted mean over the labels that occur in gold or in predictions, as in scikit-learn.
    """
    gold = [j.gold for j in judged]
    said = [j.label for j in judged]
    names = sorted((set(gold) | set(said)) - {FAILED})
    precision, recall, f1, _ = precision_recall_fscore_support(
        gold, said, labels=names, average="weighted", zero_division=0
    )
    per_label = precision_recall_fscore_support(gold, said, labels=names, zero_division=0)
    counts = Counter(said)
    return Metrics(
        n=len(judged),
        f1=float(f1),
        macro_f1=float(np.mean(per_label[2])),
        precision=float(precision),
        recall=float(recall),
        accuracy=float(accuracy_score(gold, said)),
        failed=counts[FAILED],
        abstained=sum(j.line.abstained for j in judged) / len(judged),
        confidence=_confidence(judged),
        spent=_spent(judged),
        labels=tuple(
            LabelMetrics(name, int(n), counts[name], float(p), float(r), float(f))
            for name, p, r, f, n in zip(names, *per_label, strict=True)
        ),
        confusions=confusions(judged),
    )


def confusions(judged: Sequence[Judged]) -> tuple[Confusion, ...]:
    """Confused pairs of labels, the most frequent first; failed samples do not count."""
    support = Counter(j.gold for j in judged)
    pairs = Counter((j.gold, j.label) for j in judged if not j.right and not j.failed)
    return tuple(
        Confusion(gold, label, n, n / support[gold]) for (gold, label), n in sorted(pairs.items(), key=lambda p: -p[1])
    )


def reliability(probability: Floats, right: Bools, bins: int = BINS) -> tuple[Bin, ...]:
    """Bins of equal width over 0..1, each without its lower limit; empty ones are left out."""
    edges = np.linspace(0, 1, bins + 1)
    place = np.clip(np.digitize(probability, edges, right=True) - 1, 0, bins - 1)
    return tuple(
        Bin(
            float(edges[i]),
            float(edges[i + 1]),
            int((place == i).sum()),
            float(probability[place == i].mean()),
            float(right[place == i].mean()),
        )
        for i in np.unique(place)
    )


def calibration_error(bins: Sequence[Bin]) -> float:
    """Mean absolute difference of accuracy and probability over bins, weighted by their size."""
    total = sum(b.n for b in bins)
    return sum(b.n * abs(b.accuracy - b.confidence) for b in bins) / total


def risk_curve(probability: Floats, right: Bools) -> Floats:
    """Error rate [n] on the k most confident samples for k = 1..n.

    Each of several samples with the same probability counts with the mean error of these samples, which is the
    average over random orders.
    """
    _, group = np.unique(-probability, return_inverse=True)
    wrong = np.bincount(group, weights=~right) / np.bincount(group)
    errors = np.sort(group)  # groups are numbered from the most confident
    return np.asarray(np.cumsum(wrong[errors]) / np.arange(1, len(right) + 1), dtype=np.float64)


def accuracy_at(curve: Floats, coverage: float) -> float:
    """Accuracy on the most confident share of samples, rounded up to whole samples."""
    return float(1 - curve[max(1, int(np.ceil(coverage * len(curve) - 1e-9))) - 1])


def _confidence(judged: Sequence[Judged]) -> Confidence | None:
    sure = [(j.probability, j.right) for j in judged if j.probability is not None]
    if len(sure) + sum(j.failed for j in judged) < len(judged) or not sure:
        return None
    probability = np.array([p for p, _ in sure], dtype=np.float64)
    right = np.array([r for _, r in sure], dtype=bool)
    bins = reliability(probability, right)
    curve = risk_curve(probability, right)
    return Confidence(
        ece=calibration_error(bins),
        aurc=float(curve.mean()),
        accuracy_at={f"{c:.2f}": accuracy_at(curve, c) for c in COVERAGES},
        bins=bins,
        curve=tuple(curve.tolist()),
    )


def _spent(judged: Sequence[Judged]) -> SpendSummary | None:
    spends = [j.line.spend for j in judged if j.line.spend is not None]
    if not spends:
        return None
    return SpendSummary(
        max_calls=max(spend.calls for spend in spends),
        max_output_tokens=max(spend.output_tokens for spend in spends),
        max_parameters=max(spend.parameters for spend in spends),
        mean_calls=sum(spend.calls for spend in spends) / len(spends),
    )
