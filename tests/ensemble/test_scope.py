"""What no label fits is told apart from what is known, with and without samples of it, and a bundle says so."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from helpers.materials import NO_MODELS, setup_of

from kdsl.data.sample import Sample
from kdsl.ensemble import familiar, label_fit
from kdsl.ensemble.fit import fit_bundle
from kdsl.ensemble.predictor import Predictor
from kdsl.ensemble.scope import ScopeModel, scope_file
from kdsl.evidence.types import Evidence
from kdsl.experts.semantic import SemanticExpert
from kdsl.tasks import Label, Task

ASKED = {
    "LATE_PARCEL": ("where is my {}", "my {} has not arrived yet", "the {} is late", "when will the {} be delivered"),
    "REFUND": ("I want my money back for the {}", "refund the {}", "when is the {} refunded", "pay me back the {}"),
    "WASHING": ("can the {} be washed", "how do I clean the {}", "is the {} machine washable", "wash the {} at 60"),
    "SIZE": ("how large is the {}", "which size of {} do I need", "is the {} big enough", "what size is this {}"),
    "COLOUR": ("is the {} also there in red", "which colours has the {}", "a {} in blue please", "colour of the {}"),
    "WARRANTY": ("how long is the guarantee of the {}", "warranty of the {}", "is my {} still under warranty"),
}
THINGS = ("mattress", "pillow", "blanket", "bed")
STRANGE = (
    "who won the football match yesterday",
    "tell me a joke about penguins",
    "what is the capital of Peru",
    "play some music by Mozart",
    "hahaha ok thanks bye",
    "book a table for two at eight",
)
TASK = Task(
    name="ask",
    input="dialogue",
    prompt="What is asked?",
    labels=tuple(Label(name=name, zh=name, en=name) for name in ASKED),
    out_of_scope="NOTHING_FITS",
)


def asks(text: str, label: str | None = None) -> Evidence:
    return Evidence(Sample.dialogue([text] if text else [], task="ask", label=label, id=text).marked(TASK), ())


@pytest.fixture(scope="module")
def labelled() -> list[Evidence]:
    return [asks(text.format(thing), name) for name, texts in ASKED.items() for text in texts for thing in THINGS[:3]]


@pytest.fixture(scope="module")
def model(labelled: list[Evidence]) -> ScopeModel:
    expert = SemanticExpert(TASK, setup_of(TASK)).fit_on(labelled)
    found = ScopeModel.fit(expert, labelled)
    assert found is not None
    return found


def test_what_no_label_fits_is_told_without_a_sample_of_it(model: ScopeModel) -> None:
    known = model.judge([asks("my bed has not come yet"), asks("can I wash the bed"), asks("warranty of the bed")])
    assert known.in_scope.min() > 0.5
    assert model.judge([asks(text) for text in STRANGE]).in_scope.max() < 0.5
    assert model.fits.auroc > 0.8


def test_no_weight_is_negative(model: ScopeModel) -> None:
    assert model.fits.weights.min() >= 0
    assert model.fits.weights.max() > 0


def test_marked_samples_beyond_the_assumed_share_make_doubt_greater(
    model: ScopeModel, labelled: list[Evidence]
) -> None:
    marked = [asks(f"{text} {i}") for text in STRANGE for i in range(20)]
    taught = ScopeModel.fit(model.expert, labelled, marked)
    assert taught is not None
    hard = [asks("my question is about the parcel of the joke")]
    assert taught.judge(hard).fits[0] < model.judge(hard).fits[0]


PATTERNS = ("which patterns has the {}", "is the {} also there with stripes", "a {} with dots please")


@pytest.fixture(scope="module")
def taught(model: ScopeModel, labelled: list[Evidence]) -> ScopeModel:
    """Told that questions about patterns are out of scope; they are asked as colours are."""
    marked = [asks(text.format(thing), "NOTHING_FITS") for text in PATTERNS for thing in THINGS[:3]]
    found = ScopeModel.fit(model.expert, labelled, marked)
    assert found is not None
    return found


def test_what_is_near_a_marked_sample_fits_less(taught: ScopeModel) -> None:
    like = [asks("a bed with stripes please"), asks("is the bed also there with dots")]
    assert taught.marks is not None
    elsewhere = replace(taught, marks=replace(taught.marks, vectors=-taught.marks.vectors))
    assert (taught.judge(like).fits < 0.5).all()
    assert (elsewhere.judge(like).fits > 0.85).all()
    known = taught.judge([asks("my bed has not come yet"), asks("can I wash the bed"), asks("a bed in blue please")])
    assert known.in_scope.min() > 0.5


def test_marked_samples_are_compared_with_others_than_their_copies(
    model: ScopeModel, labelled: list[Evidence], taught: ScopeModel
) -> None:
    copies = [asks("can the mattress be insured, please tell me"), asks("Can the mattress be insured, please tell me!")]
    told = ScopeModel.fit(model.expert, labelled, copies)
    assert told is not None
    assert told.marks is not None
    assert taught.marks is not None
    assert (len(told.fits.weights), len(told.marks.vectors)) == (3, 2)
    assert (len(taught.fits.weights), len(taught.marks.vectors)) == (4, 9)


@pytest.mark.parametrize("others", [(), STRANGE[:4]])
def test_what_resembles_the_only_mark_of_its_kind_is_out_of_scope(
    model: ScopeModel, labelled: list[Evidence], others: tuple[str, ...]
) -> None:
    asked = [asks("is the bed also there with stripes"), asks("is this bed also there with stripes")]
    marked = [asks(text, "NOTHING_FITS") for text in ("is the mattress also there with stripes", *others)]
    told = ScopeModel.fit(model.expert, labelled, marked)
    assert told is not None
    assert model.judge(asked).in_scope.min() > 0.5
    assert told.judge(asked).in_scope.max() < 0.5
    known = told.judge([asks("my bed has not come yet"), asks("can I wash the bed"), asks("a bed in blue please")])
    assert known.in_scope.min() > 0.5


def test_a_marked_sample_without_text_changes_nothing(model: ScopeModel, labelled: list[Evidence]) -> None:
    told = ScopeModel.fit(model.expert, labelled, [asks("", "NOTHING_FITS")])
    assert told is not None
    assert told.marks is None
    assert told.judge(labelled).in_scope == pytest.approx(model.judge(labelled).in_scope)


def test_the_share_that_data_mark_is_that_of_all_samples_not_of_those_used(
    model: ScopeModel, labelled: list[Evidence], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(familiar, "MOST", 40)
    marked = [asks(f"{text} {i}") for text in STRANGE for i in range(2)]  # 12 beside 72, of which 40 are used

    def intercept(assumed: float) -> float:
        monkeypatch.setattr(label_fit, "OUTSIDE", assumed)
        fitted = ScopeModel.fit(model.expert, labelled, marked)
        assert fitted is not None
        return fitted.fits.intercept

    assert intercept(0.15) - intercept(0.2) == pytest.approx(np.log(0.85 / 0.15) - np.log(0.8 / 0.2))


def test_of_many_samples_some_of_each_label_are_used(
    model: ScopeModel, labelled: list[Evidence], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(familiar, "MOST", 40)
    rare = [e for e in labelled if e.sample.label != "SIZE"] + [e for e in labelled if e.sample.label == "SIZE"][:2]
    kept = familiar.some_of_each_label(rare, 17)
    counts = Counter(e.sample.label for e in kept)
    assert counts.pop("SIZE") == 2
    assert (len(kept), len(counts), max(counts.values()) - min(counts.values())) == (40, 5, 1)
    fitted = ScopeModel.fit(model.expert, labelled)
    assert fitted is not None
    assert len(fitted.near) == 40
    assert fitted.judge([asks("can I wash the bed")]).in_scope[0] > 0.5


def test_a_prediction_reads_its_text_once(labelled: list[Evidence], tmp_path: Path) -> None:
    bundle = fit_bundle(labelled, [TASK], NO_MODELS, tmp_path / "bundle")
    predictor = Predictor(bundle)
    reads: list[list[list[str]]] = []
    [semantic] = [expert for expert in predictor.tasks["ask"].experts if isinstance(expert, SemanticExpert)]
    whole = semantic._read_texts
    semantic._read_texts = lambda texts: (reads.append(texts), whole(texts))[1]  # type: ignore[method-assign]
    first, second = (predictor.predict([asks(text)])[0] for text in ("can I wash the bed", "sing me a song"))
    predictor.close()
    assert len(reads) == 2
    assert first.in_scope != second.in_scope


def test_a_sample_without_text_is_not_judged(model: ScopeModel) -> None:
    assert np.isnan(model.judge([asks(""), asks("my bed")]).in_scope).tolist() == [True, False]


@pytest.mark.parametrize("told", ["model", "taught"])
def test_a_model_reads_back(told: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    fitted: ScopeModel = request.getfixturevalue(told)
    place = scope_file(tmp_path, TASK)
    place.parent.mkdir()
    fitted.save(place)
    read = ScopeModel.load(place, fitted.expert)
    texts = [asks("my bed has not come yet"), asks(STRANGE[0]), asks(PATTERNS[0].format("bed"))]
    assert read.judge(texts).in_scope == pytest.approx(fitted.judge(texts).in_scope, abs=1e-2)
    assert read.fits.auroc == fitted.fits.auroc


@pytest.mark.parametrize(
    "kept", [lambda e: e.sample.label in ("SIZE", "COLOUR"), lambda e: e.sample.id.startswith("wh")]
)
def test_too_few_labels_or_samples_make_no_model(labelled: list[Evidence], kept: Callable[[Evidence], bool]) -> None:
    few = [evidence for evidence in labelled if kept(evidence)]
    assert ScopeModel.fit(SemanticExpert(TASK, setup_of(TASK)).fit_on(few), few) is None


def test_a_bundle_learns_marked_samples_as_no_label_and_says_what_fits_none(
    labelled: list[Evidence], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    marked = [asks(text, "NOTHING_FITS") for text in STRANGE]
    given: list[int] = []
    whole = ScopeModel.fit
    monkeypatch.setattr(
        ScopeModel,
        "fit",
        lambda expert, group, outside: (given.append(len(outside)), whole(expert, group, outside))[1],
    )
    bundle = fit_bundle([*labelled, *marked], [TASK], NO_MODELS, tmp_path / "bundle")
    assert given == [len(STRANGE)]
    assert bundle.manifest["tasks"]["ask"] == list(ASKED)
    predictor = Predictor(bundle)
    known, strange, silent = predictor.predict([asks("can I wash the bed"), asks("sing me a song"), asks("")])
    predictor.close()
    assert known.in_scope is not None
    assert strange.in_scope is not None
    assert known.in_scope > 0.5 > strange.in_scope
    assert (known.out_of_scope, strange.out_of_scope, silent.out_of_scope) == (False, True, False)
    assert strange.abstained
    assert silent.in_scope is None
    assert "in scope" in strange.explain()
    assert "probably no label fits: ask a person" in strange.explain()
