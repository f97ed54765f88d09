"""Each expert alone is read from the traces, with abstentions counted as wrong."""

from __future__ import annotations

import pytest
from sklearn.metrics import f1_score

from kdsl.data.prediction import Trace, Vote
from kdsl.data.sample import Sample
from kdsl.evaluation.experts_alone import experts_alone, experts_table
from kdsl.evaluation.predictions import Judged, PredictionLine


def judged(id: str, gold: str, label: str, **votes: str | None) -> Judged:
    trace = Trace(experts={name: Vote(weight=1.0, top=((said, 0.9),) if said else ()) for name, said in votes.items()})
    return Judged(Sample(id, "intent", (), (), gold), gold, PredictionLine(label=label, trace=trace))


def test_figures_are_scikit_learns() -> None:
    failed = Judged(Sample("d", "intent", (), (), "x"), "x", PredictionLine(error="picture is missing"))
    group = [
        judged("a", "x", "x", large="x", rules=None),
        judged("b", "y", "y", large="x", rules="y", small="y"),
        judged("c", "y", "x", large="y", rules="y"),
        failed,
    ]
    found = experts_alone({"intent": group})
    rows = {row.expert: row for row in found}
    assert set(rows) == {"large", "rules", "fused"}  # small spoke on one routed sample only
    truth = ["x", "y", "y", "x"]
    assert rows["large"].f1 == pytest.approx(f1_score(truth, ["x", "x", "y", ""], average="weighted"))
    assert (rows["rules"].coverage, rows["rules"].precision) == (0.5, 1.0)
    assert rows["large"].precision == pytest.approx(2 / 3)
    assert rows["fused"].f1 == pytest.approx(f1_score(truth, ["x", "y", "x", ""], average="weighted"))
    assert experts_table(found).row_count == 3


def test_an_expert_that_nobody_has_heard_of_is_counted_by_its_name() -> None:
    rows = experts_alone({"intent": [judged("a", "x", "y", psychic="x")]})
    assert {row.expert: row.f1 for row in rows} == {"psychic": 1.0, "fused": 0.0}


def test_of_an_expert_that_never_says_anything_no_precision_is_known() -> None:
    rows = experts_alone({"intent": [judged("a", "x", "x", rules=None)]})
    assert [(row.expert, row.coverage, row.precision) for row in rows] == [("rules", 0.0, None), ("fused", 1.0, 1.0)]
