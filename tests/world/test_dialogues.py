"""The synthetic dialogues: every phrase can be filled, labels do not leak, dialogues have the real data's shape."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from kdsl.data.dialogue import parse_turns
from kdsl.errors import ConfigError, InputError
from kdsl.resources import resource
from kdsl.tasks import load_task
from kdsl.world.dialogues import ask, labels, write_dialogue
from kdsl.world.dialogues.grammar import Scope, slots
from kdsl.world.dialogues.phrasebook import PHRASES, blind_intents, phrasebook
from kdsl.world.dialogues.writer import MADE

SCENES = load_task(resource("configs/tasks/mire-scene.yaml")).names
BOOK = phrasebook()
LABELS = labels()


def test_labels_are_those_of_the_task() -> None:
    assert sorted(load_task(resource("configs/tasks/mire-intent.yaml")).names) == list(LABELS)


def test_every_slot_has_words_somewhere() -> None:
    product_slots = set.intersection(*(set(goods) for goods in BOOK.products.values())) | {"product"}
    common = product_slots | set(BOOK.words) | set(MADE)
    some_product = {name for goods in BOOK.products.values() for name in goods}
    for words in (*BOOK.words.values(), BOOK.voice.before, BOOK.voice.after):
        for template in words:
            assert slots(template) <= common | some_product
    for intent in BOOK.intents.values():
        for one in (*intent.asks, *intent.follows):
            kinds = [
                kind
                for kind in one.kinds
                if slots(one.template) | slots(one.lead) <= common | set(BOOK.products[kind]) | set(intent.words)
            ]
            assert kinds, f"{intent.label}: no product can fill '{one.template}'"
        for kind in intent.kinds:
            have = common | set(BOOK.products[kind]) | set(intent.words)
            assert any(slots(answer) <= have for answer in intent.answers), (intent.label, kind)


def test_catalogue_is_broad() -> None:
    assert len(BOOK.products) >= 25
    assert len({item for goods in BOOK.products.values() for item in goods["items"]}) >= 300


@pytest.mark.parametrize("label", LABELS)
def test_many_skeletons_and_surface_forms(label: str) -> None:
    intent = BOOK.intents[label]
    assert len({one.template for one in (*intent.asks, *intent.follows)}) >= 40
    rng = random.Random(7)
    forms = Counter(ask(label, rng) for _ in range(2000))
    assert len(forms) >= 400
    assert forms.most_common(1)[0][1] <= 60
    # 气泡 is both a label and the everyday word for it; no other name may stand in so many questions
    assert sum(count for text, count in forms.items() if label in text) < (0.6 if label == "气泡" else 0.2) * 2000


def test_no_label_shares_its_plain_questions_with_another() -> None:
    owners: dict[str, set[str]] = {}
    for intent in BOOK.intents.values():
        for one in intent.asks:
            owners.setdefault(one.template, set()).add(intent.label)
    assert {template: names for template, names in owners.items() if len(names) > 1} == {}


@pytest.mark.parametrize("label", LABELS)
def test_shape_of_dialogues(label: str) -> None:
    rng = random.Random(label)
    for _ in range(60):
        dialogue = write_dialogue(label, rng)
        roles = [turn.role for turn in dialogue.turns]
        assert roles == ["user", "agent"] * (len(roles) // 2)
        assert parse_turns("\n".join(turn.raw for turn in dialogue.turns)) == dialogue.turns
        assert 1 <= len(dialogue.pictures) == sum(turn.text.count("<image>") for turn in dialogue.turns)
        assert set(dialogue.pictures) <= {"product", "photo", *SCENES}
        told = dialogue.turns[dialogue.telling]
        assert told.role == "user"
        assert told.text not in {"", "<image>", "<http>"}
        assert all("{" not in turn.text and "[" not in turn.text for turn in dialogue.turns)


def test_quirks_of_real_chats_occur() -> None:
    rng = random.Random(3)
    dialogues = [write_dialogue(rng.choice(LABELS), rng) for _ in range(600)]
    turns = [turn for dialogue in dialogues for turn in dialogue.turns]
    assert any(turn.role == "agent" and not turn.text for turn in turns)
    assert any(turn.role == "user" and not turn.text for turn in turns)
    assert any(turn.raw.removeprefix("用户: ") == '"<http>"' and turn.text == "<http>" for turn in turns)
    assert any("<dxm:highlight>" in turn.raw and "<dxm" not in turn.text for turn in turns)
    last_user = sum(dialogue.telling == len(dialogue.turns) - 2 for dialogue in dialogues)
    assert 0.6 < last_user / len(dialogues) < 0.95


def test_same_seed_same_dialogue() -> None:
    for label in LABELS:
        assert write_dialogue(label, random.Random(5)) == write_dialogue(label, random.Random(5))
    assert write_dialogue(LABELS[0], random.Random(5)) != write_dialogue(LABELS[0], random.Random(6))


def test_unknown_label_is_told_apart_from_a_slip() -> None:
    with pytest.raises(InputError, match="是否会生锈"):
        write_dialogue("是否生锈", random.Random(0))


def test_grammar() -> None:
    scope = Scope(random.Random(0), {"part": ("盖", "底")}, {"n": lambda rng: str(rng.randint(1, 9))})
    assert {scope.fill("[一|二[三|]]") for _ in range(60)} == {"一", "二", "二三"}
    assert scope.fill("{part}") == scope.fill("{part}") != scope.fill("{part2}")
    assert scope.fill("甲|乙") == "甲|乙"
    assert not scope.resolves("[{mode}|]")
    for broken in ("[甲", "甲]", "{Part}"):
        with pytest.raises(ConfigError):
            scope.fill(broken)


def test_every_phrase_file_of_an_intent_is_used() -> None:
    assert len(list((PHRASES / "intents").glob("*.yaml"))) == len(LABELS)


def test_blind_phrases_alone_ask_for_every_label_and_product() -> None:
    blind = blind_intents()
    assert sum(len(intent.asks) + len(intent.follows) for intent in blind.values()) == 1275
    for label, intent in blind.items():
        assert all(one.blind for one in (*intent.asks, *intent.follows))
        assert intent.follows
        for kind in intent.kinds:
            goods = {"product": (), **BOOK.products[kind]}
            have = set(goods) | set(BOOK.words) | set(MADE) | set(intent.words)
            assert any(kind in one.kinds and slots(one.template) <= have for one in intent.asks), (label, kind)
    rng = random.Random(3)
    assert {turn.role for turn in write_dialogue(LABELS[0], rng, blind=True).turns} == {"user", "agent"}
    known = {one.template for one in BOOK.intents[LABELS[0]].asks}
    assert not any(template.startswith("~") for template in known)
