"""`Metrics`: evaluation of predictions against gold labels. F1, precision, recall and accuracy are scikit-learn's."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.metrics import accuracy_score, matthews_corrcoef, precision_recall_fscore_support, roc_auc_score

from kdsl.evaluation.predictions import FAILED, Judged

BINS = 15
RESAMPLES = 1000
"""Of the bootstrap."""
MOST_ERRORS = 0.05
"""Error rate that `Confidence.coverage_at_5` allows."""
SURE = 0.9
"""Probability from which an error is a confident one."""
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
    ece_interval: tuple[float, float]
    """95% of `ece` over bootstrap resamples of the samples (low, high): few samples make it uncertain, and too high."""
    brier: float | None
    """Squared distance of the distribution from the gold label, summed over labels, mean over samples: 0 to 2 (Brier
    1950). None if a prediction has no distribution that sums to 1."""
    coverage_at_5: float
    """The largest share of samples, the most confident ones, that has an error rate of at most `MOST_ERRORS`."""
    sure: int
    """Predictions with a probability of at least `SURE`."""
    sure_and_wrong: int
    """Confident errors: those of them that are wrong."""
    aurc: float
    """Area under the risk-coverage curve: mean error rate over all coverages (Geifman et al., ICLR 2019)."""
    accuracy_at: dict[str, float]
    """Coverage ('0.70') -> accuracy on that share of the samples, the most confident ones."""
    bins: tuple[Bin, ...]
    curve: tuple[float, ...]
    """Error rate on the most confident 1, 2, ... n samples."""


@dataclass(frozen=True)
class Unsupported:
    """Predictions without evidence: nothing in their trace speaks for the label, neither a rule nor a snippet of it."""

    n: int
    share: float
    """Of the predictions that have a trace."""
    accuracy: float | None
    """None if there are none."""


@dataclass(frozen=True)
class Scope:
    """How well samples that no label fits are told apart; only of gold files that mark some (`Task.out_of_scope`)."""

    n: int
    """Samples out of scope; all other metrics leave them out."""
    auroc: float | None
    """Area under the ROC curve of `in_scope`; None if predictions do not have it."""
    mcc: float
    """Matthews correlation over all labels and 'out of scope', as the predictions say it (Gorodkin 2004)."""
    found: float
    """Share of the samples out of scope that are predicted to be."""
    rejected: float
    """Share of the samples in scope that are predicted to be out of it."""


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
    unsupported: Unsupported | None
    """None if predictions have no trace."""
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
        unsupported=_unsupported(judged),
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
    edges, place = np.linspace(0, 1, bins + 1), _bin_of(probability, bins)
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


def _bin_of(probability: Floats, bins: int) -> npt.NDArray[np.intp]:
    edges = np.linspace(0, 1, bins + 1)
    return np.asarray(np.clip(np.digitize(probability, edges, right=True) - 1, 0, bins - 1))


def calibration_interval(probability: Floats, right: Bools, bins: int = BINS) -> tuple[float, float]:
    """95% of the calibration error (low, high) over `RESAMPLES` bootstrap resamples, drawn by a fixed seed."""
    n = len(probability)
    gaps = np.zeros((n, bins))
    gaps[np.arange(n), _bin_of(probability, bins)] = right - probability
    rng = np.random.default_rng(0)
    errors = [np.abs(np.bincount(rng.integers(n, size=n), minlength=n) @ gaps).sum() / n for _ in range(RESAMPLES)]
    low, high = np.quantile(errors, (0.025, 0.975))
    return float(low), float(high)


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


def coverage_at(curve: Floats, errors: float) -> float:
    """The largest coverage at which the error rate is at most `errors`; 0 if there is none."""
    allowed = np.flatnonzero(curve <= errors + 1e-9)
    return float(allowed[-1] + 1) / len(curve) if len(allowed) else 0.0


def scope_metrics(judged: Sequence[Judged]) -> Scope | None:
    """How well the samples that gold marks as out of scope are told apart; None if it marks none, or all."""
    outside = np.array([bool(j.sample.out_of_scope) for j in judged])
    if outside.all() or not outside.any():
        return None
    said_outside = np.array([j.line.out_of_scope for j in judged])
    gold = ["" if out else f"label {j.gold}" for out, j in zip(outside, judged, strict=True)]
    said = ["" if out else f"label {j.label}" for out, j in zip(said_outside, judged, strict=True)]
    told = np.array([np.nan if j.line.in_scope is None else j.line.in_scope for j in judged])
    known = ~np.isnan(told)
    both = len(set(outside[known].tolist())) == 2
    return Scope(
        n=int(outside.sum()),
        auroc=float(roc_auc_score(~outside[known], told[known])) if both else None,
        mcc=float(matthews_corrcoef(gold, said)),
        found=float(said_outside[outside].mean()),
        rejected=float(said_outside[~outside].mean()),
    )


def _confidence(judged: Sequence[Judged]) -> Confidence | None:
    answered = [j for j in judged if j.probability is not None]
    if len(answered) + sum(j.failed for j in judged) < len(judged) or not answered:
        return None
    probability = np.array([j.probability for j in answered], dtype=np.float64)
    right = np.array([j.right for j in answered], dtype=bool)
    sure = probability >= SURE
    bins = reliability(probability, right)
    curve = risk_curve(probability, right)
    return Confidence(
        ece=calibration_error(bins),
        ece_interval=calibration_interval(probability, right),
        brier=_brier(answered),
        coverage_at_5=coverage_at(curve, MOST_ERRORS),
        sure=int(sure.sum()),
        sure_and_wrong=int((sure & ~right).sum()),
        aurc=float(curve.mean()),
        accuracy_at={f"{c:.2f}": accuracy_at(curve, c) for c in COVERAGES},
        bins=bins,
        curve=tuple(curve.tolist()),
    )


def _brier(judged: Sequence[Judged]) -> float | None:
    if any(abs(sum(j.line.distribution.values()) - 1) > 0.01 for j in judged):
        return None
    squares = [sum(p * p for p in j.line.distribution.values()) - 2 * (j.gold_probability or 0.0) + 1 for j in judged]
    return float(np.mean(squares))


def _unsupported(judged: Sequence[Judged]) -> Unsupported | None:
    traced = [(j, j.trace) for j in judged if j.trace is not None]
    if not traced:
        return None
    bare = [
        j.right
        for j, trace in traced
        if j.label not in {rule.label for rule in trace.rules} | {snippet.label for snippet in trace.snippets}
    ]
    return Unsupported(len(bare), len(bare) / len(traced), float(np.mean(bare)) if bare else None)


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
