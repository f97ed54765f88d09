"""A sample that tells nothing gets the labels' shares and a person, not a sure label; no model is asked about it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from kdsl.data.prediction import Prediction
from kdsl.data.sample import Sample, Turn
from kdsl.ensemble.bundle import Bundle
from kdsl.ensemble.fusion import Fusion
from kdsl.ensemble.nothing import (
    EMPTY,
    SMALL_TALK,
    UNKNOWN,
    bears_content,
    is_blank,
    missing_evidence,
    tells_small_talk,
)
from kdsl.ensemble.predictor import Predictor
from kdsl.evidence.facts import picture_facts
from kdsl.evidence.pixels import measure
from kdsl.evidence.types import Evidence, OcrLine, Picture, PictureFacts
from kdsl.models.roles import Models
from kdsl.tasks import Label, Task

WHITE = PictureFacts("photo", False, False, False, 1.0, 0.0, 1.0, 0.0, 0.0, (0.0,) * 10 + (1.0,), (1.0,) * 96)


def dialogue(*texts: str, pictures: tuple[Picture, ...] = (), task: str = "ask") -> Evidence:
    turns = tuple(Turn("user" if i % 2 == 0 else "agent", text, text) for i, text in enumerate(texts))
    return Evidence(Sample("x", task, tuple(picture.name for picture in pictures), turns), pictures)


def labelled(text: str, label: str) -> Evidence:
    evidence = dialogue(text)
    return Evidence(replace(evidence.sample, label=label), ())


def picture(facts: PictureFacts = WHITE, *lines: str) -> Picture:
    found = tuple(OcrLine(line, 0.9, (0.0, 0.0, 9.0, 9.0)) for line in lines)
    return Picture("p.png", Path("p.png"), 90, 90, found, facts)


@pytest.mark.parametrize(
    ("evidence", "reason"),
    [
        (dialogue(), EMPTY),
        (dialogue("<image>", pictures=(picture(),)), EMPTY),
        (dialogue("", "  "), EMPTY),
        (dialogue(pictures=(picture(WHITE, " "),), task="screen"), EMPTY),
        (dialogue("在吗", "亲，您好，很高兴为您服务"), SMALL_TALK),
        (dialogue("你好呀！！！", "嗯嗯"), SMALL_TALK),
        (dialogue("Hello?", "Hi, good morning!", "ok thank you"), SMALL_TALK),
        (dialogue("在吗", "亲，在的，请问有什么可以帮您的吗？", "不好意思打扰了，没什么"), SMALL_TALK),
        (dialogue("嗯嗯那个就是说", "您请讲", "算了"), SMALL_TALK),
        (dialogue("Hi", "How can I help you?", "um, never mind, sorry"), SMALL_TALK),
        (dialogue("😀", "。。。"), SMALL_TALK),
        (dialogue("会生锈吗"), None),
        (dialogue("你好", "您好", "生锈"), None),
        (dialogue("好用吗"), None),
        (dialogue("is it new?"), None),
        (dialogue("304"), None),
        (dialogue("在吗", pictures=(picture(WHITE, "退款成功"),)), None),
        (dialogue("在吗", pictures=(picture(replace(WHITE, edges=0.1)),)), None),
    ],
)
def test_what_tells_nothing(evidence: Evidence, reason: str | None) -> None:
    assert missing_evidence(evidence) == reason


@pytest.mark.parametrize(
    "text",
    [
        "退款",
        "怎么还没发货",
        "good quality",
        "谢谢，请问掉色吗",
        "好吃吗",
        "客服电话多少",
        "有什么可以退的",
        "您说的保修在哪",
    ],
)
def test_a_question_bears_content(text: str) -> None:
    assert bears_content(text)


@pytest.mark.parametrize(
    ("image", "blank"),
    [
        (Image.new("RGB", (300, 300), "white"), True),
        (Image.new("RGB", (300, 300), "black"), True),
        (Image.linear_gradient("L").convert("RGB"), False),
        (Image.effect_noise((300, 300), 80).convert("RGB"), False),
    ],
    ids=["white", "black", "gradient", "noise"],
)
def test_a_blank_picture_is_of_one_colour(image: Image.Image, blank: bool) -> None:
    assert is_blank(picture(picture_facts(measure(image, image.size), ()))) is blank


@pytest.fixture(scope="module")
def predictor(bundle: Bundle, models: Models) -> Iterator[Predictor]:
    predictor = Predictor(bundle, models)
    yield predictor
    predictor.close()


def assert_prior(prediction: Prediction, reason: str) -> None:
    assert prediction.abstained
    assert not prediction.out_of_scope
    assert prediction.trace.no_evidence == reason
    assert list(prediction.distribution.values()) == pytest.approx([1 / 3] * 3, abs=1e-3)  # four samples per label
    assert f"{reason}: ask a person" in prediction.explain()
    assert Prediction.from_json(prediction.to_json()) == prediction


def test_a_sample_without_evidence_gets_the_prior_and_costs_no_call(
    predictor: Predictor, samples: list[Evidence]
) -> None:
    mixed = [dialogue("在吗"), samples[-1], dialogue(pictures=(picture(),), task="screen"), samples[0], dialogue()]
    found = predictor.predict(mixed)
    for i, reason in ((0, SMALL_TALK), (2, EMPTY), (4, EMPTY)):
        assert_prior(found[i], reason)
        assert found[i].spend.calls == 0
        assert found[i].trace.experts == {}
    assert [one.id for one in found] == [evidence.sample.id for evidence in mixed]
    for i in (1, 3):
        assert found[i].trace.no_evidence is None
        assert found[i].spend.calls >= 1


def test_the_prior_is_the_labels_shares(predictor: Predictor) -> None:
    predictor.tasks["ask"].router = replace(predictor.tasks["ask"].router, prior=(0.2, 0.7, 0.1))
    [found] = predictor.predict([dialogue("你好")])
    names = predictor.tasks["ask"].task.names
    assert found.distribution == pytest.approx(dict(zip(names, (0.2, 0.7, 0.1), strict=True)), abs=1e-6)
    assert found.label == names[1]
    assert found.abstained
    predictor.tasks["ask"].router = replace(predictor.tasks["ask"].router, prior=())  # a bundle of an older version
    [found] = predictor.predict([dialogue("你好")])
    assert_prior(found, SMALL_TALK)


def test_small_talk_is_evidence_where_labels_mean_it(predictor: Predictor, care: Task) -> None:
    asks = [labelled(text, "care") for text in ("会生锈吗", "沾水生锈", "退款", "退货", "几天到账", "is it new")]
    greetings = [labelled(text, "greet") for text in ("你好", "hello", "在吗", "谢谢你帮我退款")]
    assert not tells_small_talk(care, asks)
    assert tells_small_talk(care, [*asks, *greetings])
    assert not tells_small_talk(care, [*asks, labelled("在吗", "care")])  # one of a label's seven is a slip
    assert tells_small_talk(care.model_copy(update={"labels": (*care.labels, Label(name="你好"))}), [])
    own = predictor.tasks["ask"]
    own.router = replace(own.router, small_talk=True)
    greeted, empty = predictor.predict([dialogue("你好"), dialogue()])
    assert greeted.trace.no_evidence is None
    assert_prior(empty, EMPTY)
    own.router = replace(own.router, small_talk=False)


@pytest.mark.parametrize("shown", [(), ("retrieval",)])
def test_what_no_expert_with_a_vote_knows_is_left_to_a_person(predictor: Predictor, shown: tuple[str, ...]) -> None:
    own = predictor.tasks["ask"]
    all_experts, router = own.experts, own.router
    own.experts = [expert for expert in own.experts if expert.name in ("lexical", "rules", *shown)]
    own.router = replace(own.router, first=Fusion({"lexical": 1.0, "rules": 1.0}), further=None, route_below=0.0)
    unknown, known = predictor.predict([dialogue("zzxqj"), dialogue("会不会生锈")])
    assert_prior(unknown, UNKNOWN)
    assert known.trace.no_evidence is None
    own.experts, own.router = all_experts, router
