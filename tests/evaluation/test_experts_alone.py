"""Each expert alone is read from the traces, with abstentions counted as wrong."""

from __future__ import annotations

import pytest
from sklearn.metrics import f1_score

from kdsl.evaluation.experts import experts_alone


def line(id: str, label: str, **votes: str | None) -> dict[str, object]:
    experts = {name: {"weight": 1.0, "top": [[vote, 0.9]] if vote else []} for name, vote in votes.items()}
    return {"id": id, "task": "intent", "label": label, "trace": {"experts": experts}}


def test_figures_are_scikit_learns() -> None:
    gold = {"a": "x", "b": "y", "c": "y", "d": "x"}
    lines = [
        line("a", "x", large="x", rules=None),
        line("b", "y", large="x", rules="y", small="y"),
        line("c", "x", large="y", rules="y"),
        {"id": "d", "task": "intent", "error": "picture is missing"},
    ]
    rows = {row.expert: row for row in experts_alone(gold, lines)}
    assert set(rows) == {"large", "rules", "fused"}  # small spoke on one routed sample only
    truth = ["x", "y", "y", "x"]
    assert rows["large"].f1 == pytest.approx(f1_score(truth, ["x", "x", "y", ""], average="weighted"))
    assert rows["rules"].coverage == 0.5
    assert rows["fused"].f1 == pytest.approx(f1_score(truth, ["x", "y", "x", ""], average="weighted"))
