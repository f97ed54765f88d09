"""Exercises for kdsl-nano's pretraining: synthetic inputs, questions and the expected answers.

Every exercise goes through `kdsl.models.prompts.build_prompt`, so that what is learned here is what experts
ask later. Half of them are the tasks' own questions; the rest tie the labels' names to their meaning.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from kdsl.config import PromptConfig
from kdsl.data.sample import Sample, Turn
from kdsl.evidence.ocr_noise import misread
from kdsl.evidence.types import Evidence, Picture
from kdsl.knowledge.documents import Document
from kdsl.models.chat import ChatFrame
from kdsl.models.prompts import Prompt, build_prompt
from kdsl.tasks import Task
from kdsl.world.rows import DialogueRow, ScreenRow

NAME_QUESTIONS = ("这段说明对应哪个标签？", "符合这个描述的标签是？", "说的是哪一类？")
MEANING_QUESTION = "标签“{name}”是什么意思？"
HEARD = 4_000
"""Dialogues whose agents may speak in others."""
SHOWN_AS = {"product": ("商品头图", "商品详情页截图", "商品分类选项"), "photo": ("实物拍摄(含售后)",)}
"""Scenes that stand for what a dialogue's picture shows, where it is not a scene itself."""
FAQ_QUESTIONS = ("这条资料属于哪个标签？", "这段内容对应哪个标签？")


FIRST_MIXTURE = {"ask": 0.5, "lines": 0.3, "name": 0.06, "faq": 0.14}
"""Shares of the kinds of exercise in the first groups: short ones, from which words and labels are learned."""
MIXTURE = {"ask": 0.2, "intent": 0.34, "lines": 0.08, "scene": 0.29, "name": 0.03, "meaning": 0.01, "faq": 0.05}
"""Shares afterwards; short exercises are cheap, so their share of the time is smaller."""
MOST_LOST = 0.5
"""Up to this share of a screen's lines is left out of an exercise: no line may be needed."""
STRANGERS = (0, 0, 0, 1, 2, 4)
"""Turns of other agents that are put into a dialogue, one of these numbers: agents' set phrases tell nothing."""


@dataclass(frozen=True, slots=True)
class Exercise:
    """A prompt and its answer; `task` is the task whose label the answer is, None for free text."""

    prompt: Prompt
    answer: str
    task: str | None


class Author:
    """Writes exercises from rows of the world.

    Args:
        tasks: the scene task (input 'picture') and the intent task (input 'dialogue').
        dialogues: those whose agents speak in others.
        screens: pictures that dialogues may hold, drawn by their scene.
        snippets: the knowledge base; those that speak of no single label are left out.
    """

    def __init__(
        self,
        tasks: Sequence[Task],
        dialogues: Sequence[DialogueRow],
        screens: Sequence[ScreenRow],
        snippets: Sequence[Document],
        frame: ChatFrame,
    ) -> None:
        self._tasks = {task.name: task for task in tasks}
        self._scene = next(task for task in tasks if task.input == "picture")
        self._intent = next(task for task in tasks if task.input == "dialogue")
        self._snippets = [
            (doc, doc.task, doc.label) for doc in snippets if doc.task is not None and doc.label is not None
        ]
        self._frame = frame
        self._agents = [t for row in dialogues[:HEARD] for t in row.turns if t.role == "agent" and t.text]
        self._by_scene: dict[str, list[ScreenRow]] = {}
        for row in screens:
            self._by_scene.setdefault(row.label, []).append(row)

    def scene(self, row: ScreenRow, rng: random.Random, *, plain: bool = False) -> Exercise:
        """Which scene a screen shows, from its pixels and its text, or from one of them.

        `plain` shows both, whole and at full size, as a held-out question does.
        """
        picture = _read(row, rng)
        view = "both" if plain else rng.choices(("both", "text", "pixels"), (0.5, 0.4, 0.1))[0]
        config = PromptConfig() if plain else _limits(rng)
        if view == "pixels":
            picture = replace(picture, lines=())
        elif not plain:
            lost = rng.uniform(0, MOST_LOST)
            picture = replace(picture, lines=tuple(line for line in picture.lines if rng.random() >= lost))
        prompt = self._ask(self._scene, Evidence(_sample(self._scene.name, (), 1), (picture,)), config, view != "text")
        return Exercise(prompt, row.label, self._scene.name)

    def lines(self, row: ScreenRow, rng: random.Random) -> Exercise:
        """Which scene some neighbouring lines of a screen are from."""
        picture = _read(row, rng)
        start = rng.randrange(max(len(picture.lines) - 5, 1))
        some = replace(picture, lines=picture.lines[start : start + rng.randint(4, 12)])
        evidence = Evidence(_sample(self._scene.name, (), 1), (some,))
        return Exercise(self._ask(self._scene, evidence, PromptConfig(), False), row.label, self._scene.name)

    def intent(self, row: DialogueRow, rng: random.Random, *, plain: bool = False) -> Exercise:
        """What the user of a dialogue wants, with its pictures, their text alone, or neither."""
        view = "both" if plain else rng.choices(("both", "text", "turns"), (0.25, 0.25, 0.5))[0]
        config = PromptConfig() if plain else _limits(rng)
        pictures = [self._picture(what, rng) for what in row.pictures]
        if view == "turns":
            pictures = [replace(picture, lines=()) for picture in pictures]
        turns = row.turns if plain else self._with_strangers(row.turns, rng)
        sample = _sample(self._intent.name, turns, len(pictures))
        prompt = self._ask(self._intent, Evidence(sample, tuple(pictures)), config, view == "both")
        return Exercise(prompt, row.label, self._intent.name)

    def ask(self, row: DialogueRow, rng: random.Random) -> Exercise:
        """What one utterance asks for: a short exercise, of which many fit into a minute."""
        sample = _sample(self._intent.name, (Turn("user", row.ask, row.ask),), 0)
        return Exercise(
            self._ask(self._intent, Evidence(sample, ()), PromptConfig(), False), row.label, self._intent.name
        )

    def name(self, rng: random.Random) -> Exercise:
        """A label's description, in either language and partly, to its name."""
        task = rng.choice((self._scene, self._intent, self._intent))
        label = rng.choice(task.labels)
        parts = [part for part in label.zh.replace("；", "，").replace("：", "，").split("，") if len(part) > 3]
        zh = rng.choice((label.zh, rng.choice(parts or [label.zh])))
        text = rng.choices((zh, label.en), (0.9, 0.1))[0]
        return self._told(task, text, rng.choice(NAME_QUESTIONS), label.name)

    def meaning(self, rng: random.Random) -> Exercise:
        """A label's name to its description."""
        task = rng.choice((self._scene, self._intent))
        label = rng.choice(task.labels)
        asked = task.model_copy(update={"prompt": MEANING_QUESTION.format(name=label.name)})
        prompt = self._ask(asked, Evidence(_sample(task.name, (), 0), ()), PromptConfig(), False)
        return Exercise(prompt, label.zh, None)

    def faq(self, rng: random.Random) -> Exercise:
        """A snippet of the knowledge base to the label it tells of."""
        document, task, label = rng.choice(self._snippets)
        text = rng.choice((document.title, document.title, document.text, f"{document.title} {document.text}"))
        return self._told(self._tasks[task], text, rng.choice(FAQ_QUESTIONS), label)

    def draw(
        self,
        dialogues: Sequence[DialogueRow],
        screens: Sequence[ScreenRow],
        rng: random.Random,
        mixture: Mapping[str, float],
    ) -> Exercise:
        """One exercise of a mixture: shares by the name of the method that writes the kind."""
        kind = rng.choices(tuple(mixture), tuple(mixture.values()))[0]
        if kind == "ask":
            return self.ask(rng.choice(dialogues), rng)
        if kind == "intent":
            return self.intent(rng.choice(dialogues), rng)
        if kind == "scene":
            return self.scene(rng.choice(screens), rng)
        if kind == "lines":
            return self.lines(rng.choice(screens), rng)
        if kind == "faq" and self._snippets:
            return self.faq(rng)
        return self.meaning(rng) if kind == "meaning" else self.name(rng)

    def _told(self, task: Task, text: str, question: str, label: str) -> Exercise:
        asked = task.model_copy(update={"prompt": question})
        sample = _sample(task.name, (Turn("user", text, text),), 0)
        return Exercise(self._ask(asked, Evidence(sample, ()), PromptConfig(), False), label, task.name)

    def _with_strangers(self, turns: Sequence[Turn], rng: random.Random) -> tuple[Turn, ...]:
        mixed = list(turns)
        for _ in range(rng.choice(STRANGERS)):
            mixed.insert(rng.randint(0, len(mixed)), rng.choice(self._agents))
        return tuple(mixed)

    def _picture(self, what: str, rng: random.Random) -> Picture:
        return _read(rng.choice(self._by_scene[rng.choice(SHOWN_AS.get(what, (what,)))]), rng)

    def _ask(self, task: Task, evidence: Evidence, config: PromptConfig, pixels: bool) -> Prompt:
        if not pixels:  # one picture token leaves the room to the text; then it goes too
            config = config.model_copy(update={"max_pixels": 784})
        prompt = build_prompt(evidence, task, config, self._frame)
        return prompt if pixels else replace(prompt, pictures=())


def _read(row: ScreenRow, rng: random.Random) -> Picture:
    """A screen's picture with its text as an OCR engine might have read it this time."""
    return replace(row.picture, lines=misread(row.lines, rng))


def _limits(rng: random.Random) -> PromptConfig:
    """Prompts as long as a user's or shorter, pictures as large or smaller: cheaper, and another view each time."""
    return PromptConfig(
        max_tokens=rng.choice((64, 96, 128, 128, 160)),
        max_pixels=rng.choice((12_544, 18_816, 25_088, 25_088)),
    )


def _sample(task: str, turns: tuple[Turn, ...], pictures: int) -> Sample:
    return Sample("world", task, tuple(f"{i}.jpg" for i in range(pictures)), turns)
