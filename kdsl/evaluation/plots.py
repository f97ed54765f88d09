"""Plots as PNG bytes: confusion matrix, reliability diagram, coverage-risk curve, ablations."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from sklearn.metrics import confusion_matrix

from kdsl.evaluation.metrics import Confidence
from kdsl.evaluation.predictions import FAILED, Judged
from kdsl.fonts import font_path

DPI = 110
_BLUE, _GREY = "#2a6fb0", "#9aa5b1"


@cache
def _font() -> Any:
    """The font that ships with kdsl, because labels are Chinese and a machine may have no Chinese font."""
    return FontProperties(fname=str(font_path()))


def confusion_png(judged: Sequence[Judged], order: Sequence[str]) -> bytes:
    """Confusion matrix with gold labels as rows; the shade is the share of the row, the number counts samples.

    Args:
        order: the task's labels; those that do not occur are left out. Predictions outside the list and failed
            samples share the last column.
    """
    seen = {j.gold for j in judged} | {j.label for j in judged}
    names = [name for name in order if name in seen]
    said = [j.label if j.label in names else FAILED for j in judged]
    columns = [*names, *([FAILED] if FAILED in said else [])]
    counts = confusion_matrix([j.gold for j in judged], said, labels=columns)[: len(names)]
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    side = max(4.0, 0.36 * len(columns) + 2.6)
    figure = Figure(figsize=(side, side))
    axes = figure.add_subplot()
    axes.imshow(share, cmap="Blues", vmin=0, vmax=1)
    for row, column in zip(*np.nonzero(counts), strict=True):
        colour = "white" if share[row, column] > 0.5 else "black"
        axes.text(column, row, str(counts[row, column]), ha="center", va="center", fontsize=7, color=colour)
    shown = [name or "(none or outside the list)" for name in columns]
    axes.set_xticks(range(len(columns)), shown, rotation=90, fontproperties=_font(), fontsize=8)
    axes.set_yticks(range(len(names)), names, fontproperties=_font(), fontsize=8)
    axes.set_xlabel("predicted")
    axes.set_ylabel("gold")
    return _png(figure)


def reliability_png(confidence: Confidence) -> bytes:
    """Accuracy against probability by bin, and below it the number of predictions per bin."""
    figure = Figure(figsize=(5, 5))
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    left = [b.low for b in confidence.bins]
    width = [b.high - b.low for b in confidence.bins]
    upper.bar(left, [b.accuracy for b in confidence.bins], width, align="edge", color=_BLUE, edgecolor="white")
    upper.plot([0, 1], [0, 1], color=_GREY, linestyle="--", linewidth=1)
    upper.plot([b.confidence for b in confidence.bins], [b.accuracy for b in confidence.bins], "o", color="black", ms=3)
    upper.set(xlim=(0, 1), ylim=(0, 1), ylabel="accuracy", title=f"calibration error {confidence.ece:.3f}")
    lower.bar(left, [b.n for b in confidence.bins], width, align="edge", color=_GREY, edgecolor="white")
    lower.set(xlabel="probability of the predicted label", ylabel="samples")
    return _png(figure)


def coverage_png(curves: Mapping[str, Confidence]) -> bytes:
    """Error rate over coverage, one line per task: the error rate on the most confident share of predictions."""
    figure = Figure(figsize=(5.5, 4))
    axes = figure.add_subplot()
    for name, confidence in curves.items():
        coverage = np.arange(1, len(confidence.curve) + 1) / len(confidence.curve)
        axes.plot(coverage, confidence.curve, label=f"{name} (AURC {confidence.aurc:.3f})")
    axes.set(xlim=(0, 1), ylim=(0, None), xlabel="coverage", ylabel="error rate of what is answered")
    axes.grid(alpha=0.3)
    axes.legend(prop=_font())
    return _png(figure)


def points_png(panels: Mapping[str, Mapping[str, Sequence[float]]]) -> bytes:
    """One panel per metric, with one point per seed for each variant and a bar at the mean.

    Args:
        panels: panel -> variant -> values.
    """
    names = list(dict.fromkeys(name for variants in panels.values() for name in variants))
    figure = Figure(figsize=(len(panels) * max(2.4, 0.6 * len(names) + 1.2), 4))
    for axes, (title, variants) in zip(
        np.atleast_1d(figure.subplots(1, len(panels), sharey=True)), panels.items(), strict=True
    ):
        for i, name in enumerate(names):
            values = variants.get(name, ())
            axes.plot([i] * len(values), values, "o", color=_BLUE, alpha=0.6, ms=5)
            if values:
                axes.hlines(np.mean(values), i - 0.3, i + 0.3, color="black", linewidth=1.5)
        axes.set(title=title, xlim=(-0.6, len(names) - 0.4))
        axes.set_xticks(range(len(names)), names, rotation=30, ha="right", fontproperties=_font())
        axes.grid(axis="y", alpha=0.3)
    figure.axes[0].set_ylabel("weighted F1")
    return _png(figure)


def lines_png(panels: Mapping[str, Mapping[str, Mapping[float, Sequence[float]]]], xlabel: str, ylabel: str) -> bytes:
    """Lines of means over seeds, with bands of one standard deviation.

    Args:
        panels: panel -> line -> x -> values.
    """
    figure = Figure(figsize=(max(5.5, 4 * len(panels)), 4))
    for axes, (title, lines) in zip(
        np.atleast_1d(figure.subplots(1, len(panels), sharey=True)), panels.items(), strict=True
    ):
        for name, points in lines.items():
            x = list(points)
            mean = np.array([np.mean(values) for values in points.values()])
            spread = np.array([np.std(values, ddof=1) if len(values) > 1 else 0.0 for values in points.values()])
            (line,) = axes.plot(x, mean, "o-", ms=3, label=name)
            axes.fill_between(x, mean - spread, mean + spread, color=line.get_color(), alpha=0.2, linewidth=0)
        axes.set(title=title, xlabel=xlabel)
        axes.grid(alpha=0.3)
    figure.axes[0].set_ylabel(ylabel)
    figure.axes[-1].legend(prop=_font())
    return _png(figure)


def _png(figure: Figure) -> bytes:
    FigureCanvasAgg(figure)  # not pyplot, which has global state and may look for a display
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=DPI, bbox_inches="tight", metadata={"Software": None})
    return buffer.getvalue()
