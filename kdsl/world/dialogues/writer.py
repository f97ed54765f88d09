"""Writes whole dialogues: a question with a known label, surrounded by other turns of a shop's chat."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from kdsl.data.dialogue import IMAGE, LINK, SPEAKERS, clean_text
from kdsl.data.sample import Turn
from kdsl.errors import InputError, did_you_mean
from kdsl.world.dialogues.grammar import Scope, Source
from kdsl.world.dialogues.phrasebook import Ask, Intent, blind_intents, phrasebook
from kdsl.world.dialogues.voice import speak


@dataclass(frozen=True, slots=True)
class Dialogue:
    """A written dialogue.

    `pictures` names, for each `<image>` in order, what it shows: 'product', 'photo' or a scene label.
    `telling` is the index in `turns` of the user turn that the label rests on.
    """

    turns: tuple[Turn, ...]
    pictures: tuple[str, ...]
    telling: int


@cache
def labels() -> tuple[str, ...]:
    """Every label the world can write, sorted."""
    return tuple(sorted(phrasebook().intents))


def ask(label: str, rng: random.Random, blind: bool = False) -> str:
    """One utterance that tells the label, without its dialogue.

    Args:
        blind: by phrases that were written without sight of the challenge's samples.

    Raises:
        InputError: the world has no such label.
    """
    intent = _intent(label, blind)
    scope, kind = _scope(intent, rng)
    return speak(scope.fill(_pick(intent.asks, kind, scope, rng).template), scope, rng)


def write_dialogue(label: str, rng: random.Random, blind: bool = False) -> Dialogue:
    """A dialogue of one to eight rounds whose last clear question carries the label.

    Args:
        blind: its questions come from phrases that were written without sight of the challenge's samples.

    Raises:
        InputError: the world has no such label.
    """
    return _Writer(_intent(label, blind), rng, blind).write()


def _intents(blind: bool) -> Mapping[str, Intent]:
    return blind_intents() if blind else phrasebook().intents


def _intent(label: str, blind: bool) -> Intent:
    intents = _intents(blind)
    if label not in intents:
        hint = did_you_mean(label, intents)
        raise InputError(f"the synthetic world has no intent '{label}'.{hint} It has: {', '.join(sorted(intents))}")
    return intents[label]


def _number(low: int, high: int) -> Source:
    return lambda rng: str(rng.randint(low, high))


def _model(rng: random.Random) -> str:
    head = rng.choice(("X", "A", "S", "K", "T", "R", "M", "V", "Q", "GT", "JS", "HP", "Z", "C"))
    tail = rng.choice(("", "", " Pro", "pro", "S", "plus", "Max", "-1", "A", "E", " Ultra", "青春版"))
    return f"{head}{rng.choice((rng.randint(2, 30), rng.randint(100, 999)))}{tail}"


MADE: dict[str, Source] = {
    "n": _number(2, 200),
    "n_small": _number(1, 5),
    "num": lambda rng: rng.choice("两三四五六一2346581" + "十") if rng.random() < 0.85 else str(rng.randint(7, 60)),
    "price": _number(19, 899),
    "year": _number(2019, 2026),
    "month": _number(1, 12),
    "date": lambda rng: f"{rng.randint(2022, 2026)}-{rng.randint(1, 12):02d}-{rng.randint(1, 28):02d}",
    "time": lambda rng: f"{rng.randint(0, 23):02d}:{rng.randint(0, 59):02d}:{rng.randint(0, 59):02d}",
    "model": _model,
    "bot": ("小助手", "智能客服", "机器人", "小店", "小星", "小暖", "店小蜜"),
}


def _scope(intent: Intent, rng: random.Random) -> tuple[Scope, str]:
    book = phrasebook()
    kind = rng.choice(intent.kinds)
    goods = {name: words for name, words in book.products[kind].items() if name != "items"}
    goods["product"] = book.products[kind]["items"]
    return Scope(rng, goods, intent.words, book.words, MADE), kind


def _pick(asks: tuple[Ask, ...], kind: str, scope: Scope, rng: random.Random) -> Ask:
    """One that suits the product; those written for its kind alone count three times."""
    fit = [one for one in asks if kind in one.kinds and scope.resolves(one.template) and scope.resolves(one.lead)]
    widest = max(len(one.kinds) for one in asks)
    return rng.choices(fit, [3 if len(one.kinds) < widest else 1 for one in fit])[0]


class _Writer:
    """State of one dialogue: the scope, the rounds so far and what the pictures show."""

    def __init__(self, intent: Intent, rng: random.Random, blind: bool) -> None:
        self._intent, self._rng, self._blind = intent, rng, blind
        self._scope, self._kind = _scope(intent, rng)
        self._frame = phrasebook().frame
        self._turns: list[Turn] = []
        self._pictures: list[str] = []
        self._last_reply = ""

    def write(self) -> Dialogue:
        rng, intent = self._rng, self._intent
        wanted = rng.choices((1, 2, 3, 4), (72, 20, 5, 3))[0]
        if intent.two_pictures and rng.random() < 0.6:
            wanted = max(wanted, 2)
        late = rng.random() < 0.1
        follows = bool(intent.follows) and rng.random() < 0.16
        chosen = _pick(intent.follows if follows else intent.asks, self._kind, self._scope, rng)
        self._open()
        early = wanted - late
        if early and rng.random() < 0.85:
            self._send_pictures(early)
            early = 0
        self._distract(rng.choices((0, 1, 2), (72, 20, 8))[0])
        if chosen.lead:
            self._user(speak(self._scope.fill(chosen.lead), self._scope, rng))
            self._agent("answer" if rng.random() < 0.3 else "reply_off")
        if early:
            self._send_pictures(early)
        telling = self._tell(chosen)
        if late:
            self._send_pictures(1)
        self._close()
        return Dialogue(tuple(self._turns), tuple(self._pictures), telling)

    def _open(self) -> None:
        rng = self._rng
        roll = rng.random()
        if roll < 0.3:
            self._user(rng.choice((LINK, LINK, f'"{LINK}"')))
            self._agent("reply_link")
        elif roll < 0.38:
            self._user(self._line("order"))
            self._agent("reply_image")
        if rng.random() < 0.14:
            self._user(self._line("greeting"))
            self._agent("reply_greeting")

    def _send_pictures(self, count: int) -> None:
        for _ in range(count):
            self._user(IMAGE)
            self._pictures.append(self._rng.choice(self._intent.pictures))
            self._agent("reply_image")

    def _distract(self, count: int) -> None:
        for _ in range(count):
            roll = self._rng.random()
            if roll < 0.12:
                self._user(self._line("to_human"))
                self._agent("reply_human")
            elif roll < 0.3:
                self._other_question()
            else:
                self._user(speak(self._line("other"), self._scope, self._rng))
                self._agent("reply_other")

    def _other_question(self) -> None:
        """An earlier question of another label about the same product, answered and left behind."""
        fit = [
            other
            for other in _intents(self._blind).values()
            if other.label != self._intent.label and self._kind in other.kinds
        ]
        other = self._rng.choice(fit)
        one = _pick(other.asks, self._kind, self._scope, self._rng)
        self._user(speak(self._scope.fill(one.template), self._scope, self._rng))
        usable = [text for text in other.answers if self._scope.resolves(text)]
        self._reply(self._scope.fill(self._rng.choice(usable)))

    def _tell(self, chosen: Ask) -> int:
        rng = self._rng
        text = speak(self._scope.fill(chosen.template), self._scope, rng)
        self._user(text if rng.random() > 0.02 else f'"{text}"')
        telling = len(self._turns) - 1
        self._agent(rng.choices(("answer", "reply_off", "empty"), (50, 22, 28))[0])
        if not chosen.lead and rng.random() < 0.1:
            again = _pick(self._intent.asks, self._kind, self._scope, rng)
            self._user(speak(self._scope.fill(again.template), self._scope, rng))
            telling = len(self._turns) - 1
            self._agent("answer")
        return telling

    def _close(self) -> None:
        rng = self._rng
        if rng.random() < 0.13:
            self._user(rng.choice((self._line("closing"), self._line("closing"), LINK)))
            self._agent(rng.choice(("reply_off", "reply_other", "empty")))
        if rng.random() < 0.03:
            self._user("")
            self._agent("empty")

    def _line(self, name: str) -> str:
        usable = [text for text in self._frame[name] if self._scope.resolves(text)]
        return self._scope.fill(self._rng.choice(usable))

    def _user(self, raw: str) -> None:
        self._turns.append(Turn("user", clean_text(raw), f"{SPEAKERS['user']}: {raw}"))

    def _agent(self, kind: str) -> None:
        """The shop's turn; any kind may also stay empty or repeat what was said before."""
        roll = self._rng.random()
        if kind == "empty" or roll < 0.14:
            self._reply("")
        elif roll < 0.24 and self._last_reply and kind != "answer":
            self._reply(self._last_reply)
        elif kind == "answer":
            usable = [text for text in self._intent.answers if self._scope.resolves(text)]
            self._reply(self._scope.fill(self._rng.choice(usable)))
        else:
            self._reply(self._line(kind))

    def _reply(self, raw: str) -> None:
        self._last_reply = raw or self._last_reply
        self._turns.append(Turn("agent", clean_text(raw), f"{SPEAKERS['agent']}: {raw}"))
