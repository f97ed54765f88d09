"""One suite over every registered expert, on tiny models of the real classes: what fusion may rely on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from helpers.materials import material_of
from scipy.special import logsumexp

from kdsl.config import Config
from kdsl.data.sample import Turn
from kdsl.evidence.types import Evidence
from kdsl.experts.base import Expert, Setup
from kdsl.experts.registry import EXPERTS, experts_for
from kdsl.experts.rules import RulesExpert
from kdsl.models.roles import Models
from kdsl.tasks import Task

Fitted = tuple[Expert, Path, list[Evidence]]
"""An expert as it was fitted, where it was saved, and evidence of its task."""


@pytest.fixture(scope="module", params=[(kind, name) for kind in EXPERTS for name in ("screen", "ask")], ids=str)
def fitted(
    request: pytest.FixtureRequest,
    tasks: list[Task],
    samples: list[Evidence],
    config: Config,
    models: Models,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Fitted]:
    kind, name = request.param
    task = next(task for task in tasks if task.name == name)
    if not kind.serves(task, config):
        pytest.skip(f"{kind.name} does not serve tasks of a {task.input}")
    own = [evidence for evidence in samples if evidence.sample.task == name]
    folder = tmp_path_factory.mktemp(kind.name)
    shown = [*own, *map(twin, own)] if kind is RulesExpert else own  # a rule is tested on five samples or more
    expert = kind(task, Setup((task,), config, models)).fit(material_of(task, shown, work=folder / "work"))
    place = kind.place(folder, task, config)
    place.parent.mkdir(parents=True, exist_ok=True)
    expert.save(place)
    yield expert, place, own
    expert.close()


def twin(evidence: Evidence) -> Evidence:
    """The same sample again with pictures of another size, so that it is no copy."""
    sample = evidence.sample
    pictures = tuple(replace(p, name=f"twin-{p.name}", width=p.width + 1) for p in evidence.pictures)
    sample = replace(sample, id=f"{sample.id}-twin", images=tuple(p.name for p in pictures))
    return replace(evidence, sample=sample, pictures=pictures)


def test_names_and_places_differ(tasks: Sequence[Task], config: Config) -> None:
    assert len({kind.name for kind in EXPERTS}) == len(EXPERTS)
    for task in tasks:
        places = [kind.place(Path("b"), task, config) for kind in experts_for(task, config)]
        assert len(set(places)) == len(places)


def test_scores_are_log_probabilities_or_abstentions(fitted: Fitted) -> None:
    expert, _, own = fitted
    scores = expert.scores(own)
    assert scores.shape == (len(own), len(expert.task.labels))
    silent = np.isnan(scores).any(axis=1)
    assert np.isnan(scores[silent]).all()
    assert not silent.all()
    # floors and abstaining labels may leave a little more or less than a whole
    assert np.abs(logsumexp(scores[~silent], axis=1)).max() < 0.01


def test_what_was_saved_says_the_same(fitted: Fitted) -> None:
    expert, place, own = fitted
    loaded = type(expert).load(place, expert.task, expert.setup)
    np.testing.assert_allclose(loaded.scores(own), expert.scores(own), atol=1e-4)
    loaded.close()


def test_alone_or_in_a_batch_a_sample_gets_the_same_scores(fitted: Fitted) -> None:
    expert, _, own = fitted
    together = expert.scores(own)
    for row in (0, len(own) - 1):
        np.testing.assert_allclose(expert.scores([own[row]])[0], together[row], atol=1e-4)


def test_a_sample_without_any_text_or_picture_is_no_fault(fitted: Fitted) -> None:
    expert, _, own = fitted
    turns = tuple(Turn(turn.role, "", "") for turn in own[0].sample.turns)
    bare = Evidence(replace(own[0].sample, turns=turns, images=(), label=None), ())
    assert expert.scores([bare]).shape == (1, len(expert.task.labels))
    assert list(expert.rules(bare)) == []


def test_a_call_costs_what_it_says_and_returns_the_scores(fitted: Fitted) -> None:
    expert, _, own = fitted
    call = expert.first_call(own, keep=False)
    if call is None:
        pytest.skip(f"{expert.name} calls no model")
    assert call.role == expert.name
    assert set(call.tokens) == set(range(len(expert.task.labels)))
    assert call.most_tokens == max(call.tokens.values()) > 0
    assert sum(call.weights.values()) > 0
    np.testing.assert_allclose(call.run().log_probs, expert.scores(own), atol=1e-4)


def test_snippets_are_near_documents_of_the_task(fitted: Fitted) -> None:
    expert, _, own = fitted
    found = expert.snippets(own[:1], 3)[0]
    assert len(found) <= 3
    assert [s.found.score for s in found] == sorted((s.found.score for s in found), reverse=True)
    assert own[0].sample.id not in {s.found.id for s in found}
