"""Every path of the predictor under every limit: the budget cannot be passed, and the trace tells the truth."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import pytest

from kdsl.config import BudgetConfig
from kdsl.data.prediction import Prediction
from kdsl.ensemble import predictor as predictor_module
from kdsl.ensemble.bundle import Bundle
from kdsl.ensemble.familiar import Judged
from kdsl.ensemble.fusion import Fusion
from kdsl.ensemble.predictor import Predictor
from kdsl.ensemble.router import Router
from kdsl.errors import BudgetError
from kdsl.evidence.types import Evidence
from kdsl.knowledge.documents import evidence_document
from kdsl.models.roles import Models
from kdsl.models.scorer import LabelScorer, LabelScores

FURTHER = Fusion({"large": 0.5, "rules": 0.5, "retrieval": 0.5, "lexical": 0.5, "reread": 0.5, "small": 0.2})


@pytest.fixture(scope="module")
def predictor(bundle: Bundle, models: Models) -> Iterator[Predictor]:
    predictor = Predictor(bundle, models)
    yield predictor
    predictor.close()


@pytest.fixture
def predict(predictor: Predictor, samples: list[Evidence]) -> Callable[..., list[Prediction]]:
    """Predict all samples under a budget, with every sample routed to further calls (or none)."""

    def run(budget: BudgetConfig, route: bool = True) -> list[Prediction]:
        for task in predictor.tasks.values():
            task.budget = budget
            task.router = dataclasses.replace(
                task.router, further=FURTHER if route else None, route_below=2.0 if route else 0.0
            )
        return predictor.predict(samples)

    return run


def roles(prediction: Prediction) -> list[str]:
    return [call.role for call in prediction.trace.calls]


def test_three_calls_when_the_budget_allows_them(predict: Callable[..., list[Prediction]], models: Models) -> None:
    for prediction in predict(BudgetConfig()):
        assert roles(prediction) == ["large", "reread", "small"]
        assert prediction.spend.calls == 3
        assert prediction.spend.output_tokens == sum(call.output_tokens for call in prediction.trace.calls)
        assert prediction.spend.parameters > models.large.n_parameters + models.small.n_parameters


def test_the_small_model_gives_way_to_a_second_view_when_both_are_too_large(
    predict: Callable[..., list[Prediction]], models: Models
) -> None:
    limit = models.large.n_parameters + models.small.n_parameters  # the adapter does not fit in any more
    for prediction in predict(BudgetConfig(max_parameters=limit)):
        assert roles(prediction) == ["large", "reread", "second"]
        assert prediction.spend.parameters <= limit


def test_unrouted_samples_take_one_call(predict: Callable[..., list[Prediction]]) -> None:
    assert {tuple(roles(p)) for p in predict(BudgetConfig(), route=False)} == {("large",)}


class Told:
    """Says of every sample how likely it is about something known, and a label fits then, and how well it told."""

    def __init__(self, about: float, fits: float = 1.0, auroc: float = 0.5) -> None:
        self.about, self.fits, self.auroc = about, fits, auroc

    def judge(self, evidences: Sequence[Evidence]) -> Judged:
        return Judged(np.full(len(evidences), self.about), np.full(len(evidences), self.fits), self.auroc)


@pytest.fixture
def scoped(predictor: Predictor, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Gives all tasks these scope models."""

    def give(*told: Told) -> None:
        for task in predictor.tasks.values():
            monkeypatch.setattr(task, "scopes", told)

    return give


def test_what_is_about_something_else_takes_one_call_and_falls_to_the_labels_shares(
    predict: Callable[..., list[Prediction]], predictor: Predictor, scoped: Callable[..., None]
) -> None:
    scoped()
    plain = predict(BudgetConfig(), route=False)
    # text and pictures: both must be about something known; whether a label fits, the one says that tells it better
    scoped(Told(0.5, 0.1), Told(0.4, 0.9, auroc=0.8))
    for before, found in zip(plain, predict(BudgetConfig()), strict=True):
        assert roles(found) == ["large"]
        assert (found.in_scope, found.out_of_scope, found.abstained) == (0.18, True, True)
        task = predictor.tasks[found.task]
        shares = dict(zip(task.task.names, task.router.prior, strict=True))
        expected = {name: 0.4 * p + 0.6 * shares[name] for name, p in before.distribution.items()}
        assert found.distribution == pytest.approx(expected, abs=1e-4)
    scoped(Told(0.5), Told(float("nan")))
    for before, found in zip(plain, predict(BudgetConfig(), route=False), strict=True):
        assert (found.in_scope, found.out_of_scope) == (0.5, False)
        assert found.distribution == before.distribution


def test_what_no_label_seems_to_fit_is_asked_about_as_any_other(
    predict: Callable[..., list[Prediction]], scoped: Callable[..., None]
) -> None:
    scoped()
    plain = predict(BudgetConfig())
    scoped(Told(0.9, 0.2))
    for before, found in zip(plain, predict(BudgetConfig()), strict=True):
        assert (found.in_scope, found.out_of_scope, found.abstained) == (0.18, True, True)
        assert roles(found) == roles(before)
        assert found.distribution == before.distribution


@pytest.mark.parametrize("calls", [1, 2, 3])
@pytest.mark.parametrize("tokens", [8, 20, 100])
def test_no_limit_is_passed_on_any_path(predict: Callable[..., list[Prediction]], calls: int, tokens: int) -> None:
    for prediction in predict(BudgetConfig(max_calls=calls, max_output_tokens=tokens)):
        assert 1 <= prediction.spend.calls <= calls
        assert prediction.spend.output_tokens <= tokens
        assert len(prediction.trace.calls) == prediction.spend.calls


def test_a_model_too_large_for_the_limit_is_refused_before_the_call(predict: Callable[..., list[Prediction]]) -> None:
    with pytest.raises(BudgetError, match="parameters would pass the limit of 1,000"):
        predict(BudgetConfig(max_parameters=1000))


def test_call_2_sees_snippets_with_their_source_and_never_the_sample_itself(
    predict: Callable[..., list[Prediction]],
    predictor: Predictor,
    samples: list[Evidence],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The samples are those that the bundle was fitted on, so each stands in the index with its label."""
    shown: list[Sequence[str]] = []
    read: list[int] = []
    whole = LabelScorer.rescore

    def watched(scorer: LabelScorer, states: Any, contexts: Sequence[Sequence[str]], labels: Any) -> LabelScores:
        shown.extend(contexts)
        found = whole(scorer, states, contexts, labels)
        read.extend(found.read)
        return found

    monkeypatch.setattr(LabelScorer, "rescore", watched)
    predictions = predict(BudgetConfig())
    assert len(shown) == len(read) == len(samples)
    assert any(0 < n < len(context) for n, context in zip(read, shown, strict=True))  # not all found room
    for evidence, prediction, context, n in zip(samples, predictions, shown, read, strict=True):
        traced = prediction.trace.snippets
        assert len(traced) == min(max(3, n), len(context))
        assert [snippet.read for snippet in traced] == [place < n for place in range(len(traced))]
        assert prediction.explain().count(", read)") == n
        assert all(snippet.source for snippet in traced)
        assert [snippet.label for snippet in traced] == [line.rpartition("：")[2] for line in context[: len(traced)]]
        assert evidence.sample.id not in {snippet.id for snippet in traced}
        if not evidence.sample.id.endswith("0"):  # the first dialogue of a label is also the title of a snippet
            own = evidence_document(evidence, predictor.tasks[evidence.sample.task].task).excerpt
            assert not any(line.startswith(f"{own}：") for line in context)


def test_a_prediction_is_a_distribution_and_its_line_reads_back(
    predict: Callable[..., list[Prediction]], bundle: Bundle
) -> None:
    names = {task.name: set(task.names) for task in bundle.tasks}
    for prediction in predict(BudgetConfig()):
        line = json.loads(json.dumps(prediction.to_json(), ensure_ascii=False))
        assert set(line["distribution"]) == names[line["task"]]
        assert sum(line["distribution"].values()) == pytest.approx(1, abs=1e-4)
        assert line["probability"] == max(line["distribution"].values())
        assert line["versions"]["bundle"] == bundle.manifest["id"]
        assert set(line["trace"]) == {"calls", "experts", "rules", "snippets", "margin", "routed", "no_evidence"}
        assert Prediction.from_json(line) == prediction


def test_alone_or_in_a_batch_a_sample_gets_the_same_prediction(
    predict: Callable[..., list[Prediction]], predictor: Predictor, samples: list[Evidence]
) -> None:
    together = predict(BudgetConfig())
    for sample, expected in zip(samples[::5], together[::5], strict=True):
        alone = predictor.predict([sample])[0]
        assert alone.label == expected.label
        assert alone.probability == pytest.approx(expected.probability, abs=1e-4)


def test_rules_and_snippets_are_shown_where_they_have_no_vote(
    bundle: Bundle, models: Models, samples: list[Evidence], monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = Router(Fusion({"lexical": 1.0}), None, route_below=0.0, ask_below=0.0)
    monkeypatch.setattr(predictor_module, "load_routers", lambda file: {task.name: plain for task in bundle.tasks})
    predictor = Predictor(bundle, models)
    found = predictor.predict(samples)
    predictor.close()
    assert any(prediction.trace.rules for prediction in found)
    assert all(prediction.trace.snippets for prediction in found)
    assert {prediction.trace.experts["rules"].weight for prediction in found} == {0.0}
    assert {prediction.spend.calls for prediction in found} == {0}
    assert not any(snippet.read for prediction in found for snippet in prediction.trace.snippets)
