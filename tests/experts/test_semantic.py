"""The semantic expert: meaning across words, labels without a sample, and what it refuses."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from helpers.materials import material_of, setup_of

from kdsl.config import Config, EncodersConfig
from kdsl.encoders.texts import MultilingualE5
from kdsl.errors import BundleError
from kdsl.evidence.types import Evidence
from kdsl.experts.registry import experts_for
from kdsl.experts.semantic import SemanticExpert, descriptions
from kdsl.machine import has_avx2
from kdsl.tasks import Label, Task

NAMES = {
    "LATE_PARCEL": "The parcel has not arrived in time",
    "REFUND": "The customer wants the money back",
    "WASHING": "How the article is to be cleaned",
}
TASK = Task(
    name="ask",
    input="dialogue",
    prompt="What is asked?",
    labels=tuple(Label(name=name, zh=text, en=text) for name, text in NAMES.items()),
)


@pytest.fixture
def said(make_evidence: Callable[..., Evidence]) -> Callable[..., Evidence]:
    return lambda text, label=None: make_evidence(text, label, turns=(("user", text),), task="ask")


def _label(expert: SemanticExpert, evidence: Evidence) -> str:
    return TASK.names[int(expert.scores([evidence])[0].argmax())]


def test_labels_without_a_sample_are_known_by_their_description(said: Callable[..., Evidence]) -> None:
    samples = [said("where is my order, it should be here by now", "LATE_PARCEL")]
    for labelled in (samples, []):
        expert = SemanticExpert(TASK, setup_of(TASK)).fit(material_of(TASK, labelled))
        assert _label(expert, said("can I put it into the washing machine?")) == "WASHING"
        assert _label(expert, said("退钱给我")) == "REFUND"


def test_a_label_without_a_sample_is_not_drowned_by_the_others(said: Callable[..., Evidence]) -> None:
    late = ("where is my parcel", "my order is late", "it has not come", "when will it come", "no delivery yet")
    money = ("I want my money", "refund me", "pay it back", "cancel and refund", "return my payment")
    samples = 8 * [*(said(text, "LATE_PARCEL") for text in late), *(said(text, "REFUND") for text in money)]
    expert = SemanticExpert(TASK, setup_of(TASK)).fit(material_of(TASK, samples))
    assert np.exp(expert.scores([said("is it dry clean only")])[0, 2]) > 0.8


def test_a_sample_outweighs_a_description(said: Callable[..., Evidence]) -> None:
    question = "can I put it into the washing machine?"
    expert = SemanticExpert(TASK, setup_of(TASK)).fit(material_of(TASK, [said(question, "REFUND")] * 3))
    assert _label(expert, said(question)) == "REFUND"


def test_vectors_of_several_encoders_stand_side_by_side(said: Callable[..., Evidence], tmp_path: Path) -> None:
    pytest.importorskip(MultilingualE5.package)
    if not has_avx2():
        pytest.skip("this CPU has no AVX2")
    first = "use-multilingual-v3"
    alone, both = (
        SemanticExpert(TASK, setup_of(TASK, config=Config(large=None, small=None, encoders=EncodersConfig(text=names))))
        for names in ((first,), (first, MultilingualE5.name))
    )
    for expert in (alone, both):
        expert.fit(material_of(TASK, []))
    question = said("can I put it into the washing machine?")
    assert both.vectors([question]).shape[1] > alone.vectors([question]).shape[1]
    both.save(tmp_path / "saved")
    again = SemanticExpert.load(tmp_path / "saved", TASK, both.setup)
    np.testing.assert_allclose(again.scores([question]), both.scores([question]), atol=1e-5)
    with pytest.raises(BundleError, match="fitted on encoders"):
        SemanticExpert.load(tmp_path / "saved", TASK, alone.setup)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("LATE_PARCEL", "LATE PARCEL"),
        ("lateParcel", "late Parcel"),
        ("iPhone", "iPhone"),
        ("OrderID", "Order ID"),
        ("是否会生锈", "是否会生锈"),
    ],
)
def test_names_in_code_are_read_as_words(name: str, words: str) -> None:
    assert descriptions(Label(name=name)) == [words, f"{words}?"]


def test_descriptions_are_statements_and_questions() -> None:
    assert descriptions(Label(name="LATE?", description="has it come？", en="late?")) == [
        "LATE?",
        "has it come？",
        "has it come?",
        "late?",
    ]


def test_abstains_without_text(said: Callable[..., Evidence]) -> None:
    expert = SemanticExpert(TASK, setup_of(TASK)).fit(material_of(TASK, []))
    scores = expert.scores([said("refund"), said("")])
    assert np.isnan(scores).any(axis=1).tolist() == [False, True]


def test_a_config_without_an_encoder_has_none() -> None:
    without = Config(large=None, small=None, encoders=EncodersConfig(text=None))
    assert SemanticExpert not in experts_for(TASK, without)
    assert SemanticExpert in experts_for(TASK, Config())


def test_vectors_of_another_encoder_are_refused(said: Callable[..., Evidence], tmp_path: Path) -> None:
    place = tmp_path / "semantic"
    SemanticExpert(TASK, setup_of(TASK)).fit(material_of(TASK, [])).save(place)
    file = place / "semantic.json"
    state = json.loads(file.read_text("utf-8")) | {"encoders": {"use-multilingual-v3": "0.0.1-other"}}
    file.write_text(json.dumps(state), "utf-8")
    with pytest.raises(BundleError, match=r"fitted on encoders .*0\.0\.1-other"):
        SemanticExpert.load(place, TASK, setup_of(TASK))
