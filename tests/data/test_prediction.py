"""Predictions are written and read back as the same objects, faults are told, and `explain` says what happened."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kdsl.data.prediction import (
    CallRecord,
    Failure,
    FiredRule,
    FoundSnippet,
    Prediction,
    Spend,
    Trace,
    Vote,
    read_predictions,
)
from kdsl.errors import InputError
from kdsl.files import write_jsonl

MADE = Prediction(
    id="s1",
    task="intent",
    label="是否会生锈",
    probability=0.91,
    distribution={"是否会生锈": 0.91, "商品材质": 0.09},
    abstained=False,
    spend=Spend(calls=2, output_tokens=9, parameters=9_300_000),
    trace=Trace(
        calls=(
            CallRecord(role="large", output_tokens=5, top=(("是否会生锈", 0.7), ("商品材质", 0.2))),
            CallRecord(role="reread", output_tokens=4, top=(("是否会生锈", 0.8),)),
        ),
        experts={
            "large": Vote(weight=0.6, top=(("是否会生锈", 0.7),)),
            "rules": Vote(weight=0.25, top=()),
        },
        rules=tuple(FiredRule(id=f"r{i}", label="是否会生锈", weight=i / 2, text=f"condition {i}") for i in range(8)),
        snippets=(
            FoundSnippet(id="faq-1", label="是否会生锈", title="在吗\n会生锈吗", source="faq.yaml", score=0.5),
            FoundSnippet(
                id="p-2",
                label=None,
                title="锅",
                source="pages.yaml",
                score=0.25,
                found_by={"words": 0.2, "meaning": 0.3},
            ),
        ),
        margin=0.4,
        routed=True,
    ),
    versions={"bundle": "abc"},
)

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
shares = st.floats(0, 1)
tops = st.lists(st.tuples(texts, shares), max_size=3).map(tuple)
traces = st.builds(
    Trace,
    calls=st.lists(st.builds(CallRecord, role=texts, output_tokens=st.integers(0, 99), top=tops), max_size=3).map(
        tuple
    ),
    experts=st.dictionaries(texts, st.builds(Vote, weight=shares, top=tops), max_size=3),
    rules=st.lists(st.builds(FiredRule, id=texts, label=texts, weight=shares, text=texts), max_size=2).map(tuple),
    snippets=st.lists(
        st.builds(
            FoundSnippet,
            id=texts,
            label=st.none() | texts,
            title=texts,
            source=texts,
            score=shares,
            found_by=st.dictionaries(texts, shares, max_size=2),
        ),
        max_size=2,
    ).map(tuple),
    margin=shares,
    routed=st.booleans(),
)


@given(traces)
def test_a_prediction_reads_back_as_it_was_written(trace: Trace) -> None:
    made = MADE.model_copy(update={"trace": trace})
    read = Prediction.from_json(json.loads(json.dumps(made.to_json())))
    assert read == made
    assert list(read.distribution) == list(made.distribution)
    assert list(read.trace.experts) == list(trace.experts)
    assert read.explain()


def test_a_file_holds_predictions_and_failures(tmp_path: Path) -> None:
    failure = Failure(id="s2", task=None, error="no picture")
    write_jsonl(tmp_path / "p.jsonl", [MADE.to_json() | {"fold": 3}, failure.to_json()])
    assert list(read_predictions(tmp_path / "p.jsonl")) == [MADE, failure]


def test_every_fault_of_a_line_is_told_with_its_place(tmp_path: Path) -> None:
    wrong = MADE.to_json()
    del wrong["label"]
    wrong["spend"]["calls"] = -1
    wrong["trace"]["experts"]["large"] = {"weight": "much", "top": []}
    write_jsonl(tmp_path / "p.jsonl", [MADE.to_json(), wrong])
    with pytest.raises(InputError) as error:
        list(read_predictions(tmp_path / "p.jsonl"))
    for said in (
        "p.jsonl, line 2: is not a prediction",
        "label: Field",
        "spend.calls: ",
        "trace.experts.large.weight: ",
    ):
        assert said in str(error.value)
    (tmp_path / "cut.jsonl").write_text('{"id": "s1", "tas', "utf-8")
    with pytest.raises(InputError, match=r"cut\.jsonl, line 1"):
        list(read_predictions(tmp_path / "cut.jsonl"))
    with pytest.raises(InputError, match="is not a spend"):
        Spend.from_json(["calls", 1])


def test_an_explanation_says_who_voted_and_what_it_took() -> None:
    lines = MADE.explain(gold="商品材质").splitlines()
    assert lines[0] == "sample s1, task intent: 是否会生锈 (0.91), gold 商品材质"
    assert lines[1] == "  large  weight 0.60  是否会生锈 0.70"
    assert lines[2] == "  rules  weight 0.25  (abstains)"
    assert [line.split()[1] for line in lines if "condition" in line] == ["r7", "r6", "r5", "r4", "r3"]
    assert "  snippet faq-1 (0.50): 在吗 / 会生锈吗 -> 是否会生锈" in lines
    assert "  snippet p-2 (0.25 by words, meaning): 锅" in lines
    assert lines[-1] == "  model calls: large (5 tokens), reread (4 tokens); 9 output tokens, 9.3 M parameters"


def test_an_explanation_says_when_to_ask_a_person_and_when_nothing_was_called() -> None:
    bare = MADE.model_copy(
        update={
            "abstained": True,
            "trace": Trace(),
            "spend": Spend.from_json({"calls": 0, "output_tokens": 0, "parameters": 0}),
        }
    )
    assert "below the threshold: ask a person" in bare.explain()
    assert "model calls: none" in bare.explain()


def test_a_line_without_in_scope_is_read_and_one_with_it_is_explained() -> None:
    old = MADE.to_json()
    del old["in_scope"], old["out_of_scope"]
    assert Prediction.from_json(old) == MADE
    assert "in scope" not in MADE.explain()
    strange = MADE.model_copy(update={"in_scope": 0.21, "out_of_scope": True, "abstained": True})
    assert Prediction.from_json(json.loads(json.dumps(strange.to_json()))) == strange
    assert "in scope 0.21, probably no label fits: ask a person" in strange.explain()
