"""`build_prompt`: turns evidence into a prompt: pictures, their text, the dialogue, optional context, the question.

The part that all calls of a sample share comes first, so that calls 2 and 3 reuse call 1's key/value cache. To stay
within the limits, whole pictures, lines and turns are left out (`kdsl.models.truncation`); nothing is cut in between.
"""

from __future__ import annotations

import os
import re
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

from PIL import Image

from kdsl.config import PromptConfig
from kdsl.data.pictures import open_header
from kdsl.errors import ConfigError
from kdsl.evidence.types import Evidence, Picture
from kdsl.models.chat import ChatFrame
from kdsl.models.picture_sizes import plan_grids
from kdsl.models.truncation import Piece, choose, pieces_of
from kdsl.tasks import Task

HEAD_OCR = "图{n}文字："
HEAD_DIALOGUE = "对话："
HEAD_CONTEXT = "参考："
HEAD_LABELS = "可选标签："
ROLES = {"user": "用户：", "agent": "客服："}

CONTEXT_SHARE = 0.25
"""Context may exceed `max_tokens` by this share of it."""

_IMAGE = re.compile(r"<image>")


@dataclass(frozen=True, slots=True)
class PromptPicture:
    """A picture of a prompt, and the size in pixels to which it is resized."""

    picture: Picture
    size: tuple[int, int]

    def key(self) -> Hashable | None:
        """What its pixels depend on: the file, its state, the view and the size; None if the file is not there."""
        try:
            state = os.stat(self.picture.path)
        except OSError:
            return None  # `open` raises an error with a readable message
        return str(self.picture.path), state.st_mtime_ns, state.st_size, self.picture.view, self.size

    def check(self) -> None:
        """Raise the InputError that `open` would raise of a file that is gone or no picture, without decoding it."""
        open_header(self.picture.path, self.picture.path.name, self.picture.max_megapixels).close()

    def open(self) -> Image.Image:
        """The observed picture (`Picture.open`) at `size`."""
        return self.picture.open().resize(self.size, Image.Resampling.BICUBIC, reducing_gap=2.0)


@dataclass(frozen=True, slots=True, eq=False)
class DrawnPicture:
    """A picture that was made in memory, and the size in pixels to which it is resized."""

    image: Image.Image
    size: tuple[int, int]

    def key(self) -> None:
        """It is no file that might be shown again."""

    def check(self) -> None:
        """There is no file that could be gone."""

    def open(self) -> Image.Image:
        """The picture at `size`."""
        return self.image.resize(self.size, Image.Resampling.BICUBIC, reducing_gap=2.0)


@dataclass(frozen=True, slots=True)
class Dropped:
    """What was left out of a prompt to stay within its limits; falsy if nothing was."""

    pictures: tuple[int, ...] = ()
    """Pictures that are not shown (their text may be)."""
    lines: int = 0
    turns: tuple[int, ...] = ()
    """Turns that are missing at least in part."""
    snippets: int = 0

    def __bool__(self) -> bool:
        return bool(self.pictures or self.lines or self.turns or self.snippets)


@dataclass(frozen=True, slots=True)
class Prompt:
    """One question about one sample, ready for a model.

    The message is: pictures, `prefix`, `context`, `question`. Each of the three texts is empty or consists of whole
    lines (the question's last line has no line break). User text in it has been neutralised.
    """

    pictures: tuple[PromptPicture | DrawnPicture, ...]
    prefix: str
    context: str
    question: str
    n_tokens: int
    """Number of tokens of the whole prompt, including the chat frame and the picture tokens."""
    dropped: Dropped = Dropped()
    opening: str = ""
    """What the answer begins with: it is given, and the model continues it."""

    @property
    def messages(self) -> list[dict[str, Any]]:
        """The prompt as chat messages for trl and `processor.apply_chat_template`, which take images separately."""
        content: list[dict[str, str]] = [{"type": "image"} for _ in self.pictures]
        text = self.prefix + self.context + self.question
        return [{"role": "user", "content": [*content, {"type": "text", "text": text}]}]

    @property
    def images(self) -> list[Image.Image]:
        """The pictures, decoded and resized at each call."""
        return [picture.open() for picture in self.pictures]


def build_prompt(
    evidence: Evidence,
    task: Task,
    config: PromptConfig,
    frame: ChatFrame,
    *,
    context: Sequence[str] = (),
    labels: Sequence[str] | None = None,
) -> Prompt:
    """Build the prompt for a sample's evidence and a task's question.

    Args:
        frame: the model's chat frame (`kdsl.models.chat.frame_of(loaded)`), used to count tokens.
        context: snippets or rules for a later call, most useful first; each becomes one line after the shared prefix.
            They may add `CONTEXT_SHARE` of `max_tokens`; those that do not fit are dropped from the end.
        labels: labels to list if `config.list_labels` is set; all labels of the task by default.

    Raises:
        ConfigError: the question alone exceeds `max_tokens`.
    """
    question = frame.neutralise(ask(task, config, labels))
    asked, dialogue_head = frame.count([question, HEAD_DIALOGUE + "\n"])
    limit = config.limit(task)
    room = limit - len(frame.before) - len(frame.after) - asked
    if room < 0:
        key = "max_tokens" if limit == config.max_tokens else "dialogue_tokens"
        raise ConfigError(
            f"prompt.{key}={limit} cannot hold the question of task '{task.name}', which "
            f"takes {limit - room} tokens with its chat frame. Raise it"
            + (", or set prompt.list_labels=false." if config.list_labels else ".")
        )
    pictures, taken = _pictures(evidence, config, frame, room)
    room -= taken

    pieces = pieces_of(evidence, ocr=config.shows_ocr(task))
    heads_ocr = [HEAD_OCR.format(n=i + 1) + "\n" for i in range(len(evidence.pictures))]
    texts = _lines(pieces, len(evidence.pictures), frame)
    costs = frame.count([*heads_ocr, *texts])
    head_costs = {("line", i): cost for i, cost in enumerate(costs[: len(heads_ocr)])}
    head_costs["turn", 0] = dialogue_head
    kept, spent = choose(pieces, costs[len(heads_ocr) :], head_costs, room)

    prefix, block = "", None
    for i in kept:
        if (piece := pieces[i]).block != block:
            block = piece.block
            prefix += HEAD_DIALOGUE + "\n" if piece.kind == "turn" else heads_ocr[piece.picture]
        prefix += texts[i]
    given, given_tokens, given_dropped = fit_context(context, config, frame)
    gone = [piece for i, piece in enumerate(pieces) if i not in set(kept)]
    return Prompt(
        pictures=tuple(picture for picture in pictures if picture),
        prefix=prefix,
        context=given,
        question=question,
        n_tokens=limit - room + spent + given_tokens,
        dropped=Dropped(
            pictures=tuple(i for i, picture in enumerate(pictures) if picture is None),
            lines=sum(piece.kind == "line" for piece in gone),
            turns=tuple(sorted({piece.index for piece in gone if piece.kind == "turn"})),
            snippets=given_dropped,
        ),
    )


def ask(task: Task, config: PromptConfig, labels: Sequence[str] | None = None) -> str:
    """The question of a task, with the labels to choose from and their hints if `config.list_labels` is set.

    They are listed in the order of their characters, so that scores depend neither on the order of a task file nor on
    what stands first in a shortlist.
    """
    if not config.list_labels:
        return task.prompt
    hints = {label.name: f"（{' '.join(label.hint.split())}）" for label in task.labels if label.hint.strip()}
    listed = "、".join(name + hints.get(name, "") for name in sorted(labels or task.names))
    return f"{HEAD_LABELS}{listed}\n{task.prompt}"


def fit_context(snippets: Sequence[str], config: PromptConfig, frame: ChatFrame) -> tuple[str, int, int]:
    """Snippets as lines under a heading: the text, its number of tokens, and the number of snippets dropped."""
    if not snippets:
        return "", 0, 0
    lines = [clean(snippet, frame) + "\n" for snippet in snippets]
    heading, *costs = frame.count([HEAD_CONTEXT + "\n", *lines])
    room = int(config.max_tokens * CONTEXT_SHARE)
    spent, n = heading, 0
    while n < len(lines) and spent + costs[n] <= room:
        spent += costs[n]
        n += 1
    if not n:
        return "", 0, len(lines)
    return HEAD_CONTEXT + "\n" + "".join(lines[:n]), spent, len(lines) - n


def read_of(contexts: Sequence[Sequence[str]], given: Sequence[tuple[str, int, int]]) -> tuple[int, ...]:
    """How many texts of each context, from the first, found room by `fit_context`."""
    return tuple(len(context) - dropped for context, (*_, dropped) in zip(contexts, given, strict=True))


def clean(text: str, frame: ChatFrame) -> str:
    """User text as one line, neutralised."""
    return frame.neutralise(" ".join(text.split()))


def _lines(pieces: Sequence[Piece], pictures: int, frame: ChatFrame) -> list[str]:
    """Each piece as its line of the prompt; the k-th `<image>` of the dialogue becomes `[图k]`."""
    sent = 0

    def number(_: re.Match[str]) -> str:
        nonlocal sent
        sent += 1
        return f"[图{sent}]" if sent <= pictures else "[图]"

    lines = []
    for piece in pieces:
        text = _IMAGE.sub(number, piece.text) if piece.kind == "turn" else piece.text
        lines.append(ROLES.get(piece.role, "") + clean(text, frame) + "\n")
    return lines


def _pictures(
    evidence: Evidence, config: PromptConfig, frame: ChatFrame, room: int
) -> tuple[list[PromptPicture | None], int]:
    """Each picture at its size, or None if it is left out; and the number of tokens of those shown."""
    if not frame.factor:
        return [], 0
    sizes = [(picture.width, picture.height) for picture in evidence.pictures]
    for most in range(len(sizes), -1, -1):
        grids = plan_grids(sizes, config.max_pixels, frame.factor, most)
        taken = sum(grid[0] * grid[1] + frame.picture_overhead for grid in grids if grid)
        if taken <= room:
            break
    shown: list[PromptPicture | None] = []
    for picture, grid in zip(evidence.pictures, grids, strict=True):
        if grid is None:
            shown.append(None)
            continue
        shown.append(PromptPicture(picture, (grid[0] * frame.factor, grid[1] * frame.factor)))
    return shown, taken
