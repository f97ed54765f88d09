"""Cross-validation of tiny real models: each fold is predicted by a fit without it, and a killed run continues."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import kdsl.evaluation.crossval as crossval
from kdsl.config import Config
from kdsl.ensemble.bundle import Bundle
from kdsl.errors import BundleError, InputError
from kdsl.evidence.types import Evidence
from kdsl.experts.base import Snippet
from kdsl.experts.retrieval import RetrievalExpert
from kdsl.runs import sole_writer
from kdsl.scores import OutOfFold
from kdsl.tasks import Task

Run = Callable[..., None]


class Killed(BaseException):
    """Ends a run as a signal would."""


@pytest.fixture(scope="module")
def asked(samples: list[Evidence]) -> list[Evidence]:
    """The shop's 12 dialogues."""
    return [evidence for evidence in samples if evidence.sample.task == "ask"]


@pytest.fixture(scope="module")
def folds(asked: list[Evidence]) -> dict[str, int]:
    return {evidence.sample.id: i % 2 for i, evidence in enumerate(asked)}


@pytest.fixture(scope="module")
def run(asked: list[Evidence], folds: dict[str, int], tasks: list[Task], config: Config) -> Run:
    small = config.model_copy(
        update={
            "ensemble": config.ensemble.model_copy(update={"inner_folds": 2}),
            "rules": config.rules.model_copy(update={"simulations": 5, "occlusion_samples": 0}),
        }
    )

    def call(output: Path, only: tuple[int, ...] = (), **over: Any) -> None:
        crossval.cross_validate(asked, folds, tasks, small.model_copy(update=over), output, only)

    return call


@dataclass(frozen=True)
class Asked:
    """A question to a retrieval expert: about which sample, in which fold's fit, and what its index holds and found."""

    sample: str
    fitted_on: frozenset[str]
    index: frozenset[str]
    found: frozenset[str]


@pytest.fixture(scope="module", autouse=True)
def questions() -> Iterator[list[Asked]]:
    """All that retrieval experts are asked while folds are fitted and predicted."""
    asked: list[Asked] = []
    training: frozenset[str] = frozenset()
    fit, scores, snippets = crossval.fit_bundle, RetrievalExpert.scores, RetrievalExpert.snippets

    def watched_fit(train: Sequence[Evidence], *rest: Any) -> Bundle:
        nonlocal training
        training = frozenset(evidence.sample.id for evidence in train)
        return fit(train, *rest)

    def note(expert: RetrievalExpert, evidence: Evidence, found: Sequence[Snippet]) -> None:
        index = frozenset(document.id for document in expert.index.documents if document.kind == "sample")
        asked.append(Asked(evidence.sample.id, training, index, frozenset(one.found.id for one in found)))

    def watched_scores(expert: RetrievalExpert, evidences: Sequence[Evidence]) -> np.ndarray:
        watched_snippets(expert, evidences, 12)  # what a second call would be shown
        return scores(expert, evidences)

    def watched_snippets(expert: RetrievalExpert, evidences: Sequence[Evidence], k: int) -> Sequence[Sequence[Snippet]]:
        found = snippets(expert, evidences, k)
        for evidence, near in zip(evidences, found, strict=True):
            note(expert, evidence, near)
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(crossval, "fit_bundle", watched_fit)
        patch.setattr(RetrievalExpert, "scores", watched_scores)
        patch.setattr(RetrievalExpert, "snippets", watched_snippets)
        yield asked


@pytest.fixture(scope="module")
def killed(run: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The output of a run that was killed while it wrote the third line of fold 0."""
    output = tmp_path_factory.mktemp("crossval") / "oof.jsonl"
    whole, written = crossval.append, 0

    def die_at_the_third(path: Path, *lines: dict[str, Any]) -> None:
        nonlocal written
        written += 1
        if written == 3:
            with path.open("a", encoding="utf-8") as file:
                file.write('{"id": "')
            raise Killed
        whole(path, *lines)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(crossval, "append", die_at_the_third)
        with pytest.raises(Killed):
            run(output)
    return output


@pytest.fixture(scope="module")
def begun(killed: Path) -> bytes:
    """What the killed run had written."""
    return killed.read_bytes()


@pytest.fixture(scope="module")
def finished(run: Run, killed: Path, begun: bytes, folds: dict[str, int]) -> Path:
    """The killed run, continued: fold 0 first, then the rest."""
    assert begun
    run(killed, only=(0,))
    assert {row["id"] for row in rows(killed)} == {id for id, fold in folds.items() if fold == 0}
    run(killed)
    return killed


def rows(output: Path) -> list[dict[str, Any]]:
    with output.open(encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def scores(output: Path, fold: int, part: str) -> OutOfFold:
    return OutOfFold.load(output.with_name("oof.jsonl.scores") / f"fold-{fold}" / f"ask.{part}.npz")


def test_scores_are_kept_before_the_lines_that_say_a_fold_is_done(
    killed: Path, begun: bytes, folds: dict[str, int]
) -> None:
    assert begun.count(b"\n") == 2
    assert set(scores(killed, 0, "held_out").ids) == {id for id, fold in folds.items() if fold == 0}


def test_every_sample_is_predicted_once_by_a_fit_that_did_not_see_it(finished: Path, folds: dict[str, int]) -> None:
    assert {row["id"]: row["fold"] for row in rows(finished)} == folds
    assert len(rows(finished)) == len(folds)
    for fold in (0, 1):
        held_out, fitted = (set(scores(finished, fold, part).ids) for part in ("held_out", "fitted"))
        assert held_out == {id for id, own in folds.items() if own == fold}
        assert fitted == folds.keys() - held_out
    bundles = {row["fold"]: row["versions"]["bundle"] for row in rows(finished)}
    assert len(set(bundles.values())) == 2


def test_retrieval_never_sees_a_sample_that_it_is_asked_about_nor_one_of_the_test_fold(
    finished: Path, questions: list[Asked], folds: dict[str, int]
) -> None:
    """Votes and snippets alike, in the inner folds that fusion is fitted on as in the outer ones."""
    assert finished.is_file()
    for one in questions:
        assert one.index
        assert one.sample not in one.index
        assert one.index <= one.fitted_on  # no sample of the fold that this fit is tested on
        assert not one.found & (folds.keys() - one.index)
    held_out = {one.sample for one in questions if one.sample not in one.fitted_on}
    inner = {one.sample for one in questions if one.sample in one.fitted_on}
    assert held_out == inner == set(folds)
    assert any(one.found for one in questions if one.sample in one.fitted_on)
    assert any(one.found for one in questions if one.sample not in one.fitted_on)


def test_a_continued_run_keeps_whole_lines_and_leaves_nothing_but_results(finished: Path, begun: bytes) -> None:
    assert finished.read_bytes().startswith(begun[: begun.rindex(b"\n") + 1])
    assert {path.name for path in finished.parent.iterdir() if not path.name.startswith(".")} == {
        "oof.jsonl",
        "oof.jsonl.scores",
    }
    assert scores(finished, 0, "held_out").scores.keys() == scores(finished, 0, "fitted").scores.keys()


def test_predictions_of_other_settings_are_not_mixed(run: Run, finished: Path) -> None:
    before = finished.read_bytes()
    with pytest.raises(BundleError, match=r"holds a cross-validation with other inputs .*delete oof\.jsonl and"):
        run(finished, seed=18)
    assert finished.read_bytes() == before


def test_two_commands_do_not_write_one_output(run: Run, finished: Path) -> None:
    with sole_writer(finished), pytest.raises(InputError, match="another kdsl command is writing there"):
        run(finished)


def test_a_sample_without_a_label_is_told_before_any_fold_is_fitted(
    asked: list[Evidence], folds: dict[str, int], tasks: list[Task], config: Config, tmp_path: Path
) -> None:
    first, *others = asked
    bare = replace(first, sample=replace(first.sample, label=None))
    with pytest.raises(InputError, match=rf"1 sample\(s\) have no label, such as {first.sample.id}"):
        crossval.cross_validate([bare, *others], folds, tasks, config, tmp_path / "out.jsonl")
    assert not list(tmp_path.iterdir())


def test_a_fold_that_there_is_not_is_told(run: Run, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no fold 7; folds are 0, 1"):
        run(tmp_path / "oof.jsonl", only=(7,))
