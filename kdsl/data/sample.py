"""`Sample`: one item to classify, with its turns, pictures and optional label. Pictures are not opened here."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self, get_args

from kdsl.errors import InputError
from kdsl.tasks import Task

if TYPE_CHECKING:
    from PIL.Image import Image

Role = Literal["user", "agent"]

PLACEHOLDER = re.compile(r"<(?:image|http)>")
"""What stands in a turn's text for a picture or a link that was sent."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One utterance. `text` is cleaned for models and rules; `raw` is verbatim."""

    role: Role
    text: str
    raw: str

    @property
    def said(self) -> str:
        """What the turn says: its text on one line, without placeholders or outer quotation marks; may be empty."""
        return " ".join(without_placeholders(self.text).split()).strip('"“”')


@dataclass(frozen=True, slots=True)
class Sample:
    """One thing to classify.

    `images` are paths relative to one root folder, in the order the pictures were sent; a picture
    in a dialogue stands in its turn's text as `<image>`. `label` is None where it is not known.

    In Python, `Sample.dialogue` and `Sample.picture` take the pictures themselves; these stand in `pictures` until a
    `Recognizer` gives them a place. There `task` may be empty, if only one task takes such an input.
    """

    id: str
    task: str
    images: tuple[str, ...]
    turns: tuple[Turn, ...]
    label: str | None = None
    pictures: tuple[Path | bytes | Image, ...] = ()
    out_of_scope: str | None = None
    """The name by which the data say that no label of the task fits (`Task.out_of_scope`); `label` is None then."""

    @classmethod
    def dialogue(
        cls,
        turns: Iterable[str | tuple[Role, str]],
        pictures: Sequence[str | Path | bytes | Image] = (),
        *,
        task: str = "",
        label: str | None = None,
        id: str = "",
    ) -> Self:
        """A dialogue with its pictures.

        Args:
            turns: texts of the user, or pairs of 'user' or 'agent' and a text; `<image>` in a text says where a
                picture was sent.
            pictures: a path, a file's content as bytes, or a PIL image each, in the order they were sent.
            task: the task's name; needed where several tasks take a dialogue.
            label: the right label, for fitting.
            id: what the prediction will be called; by default the number of the sample in its list.

        Raises:
            TypeError: the turns or the pictures are no list, or one of them is something else.
            ValueError: a turn is said by somebody else.
        """
        from kdsl.data.dialogue import clean_text  # it needs `Turn`

        if isinstance(turns, str) or not isinstance(turns, Iterable):
            single = "a single one" if isinstance(turns, str) else f"of type {type(turns).__name__}"
            raise TypeError(f"turns must be a list of texts, not {single}")
        said = [_said(number, turn) for number, turn in enumerate(turns, 1)]
        if strange := [role for role, _ in said if role not in get_args(Role)]:
            raise ValueError(f"a turn is said by 'user' or 'agent', not by {strange[0]!r}")
        made = tuple(Turn(role, clean_text(text), text) for role, text in said)  # type: ignore[arg-type]
        return cls(id, task, (), made, label, _given(pictures))

    @classmethod
    def picture(
        cls, picture: str | Path | bytes | Image, *, task: str = "", label: str | None = None, id: str = ""
    ) -> Self:
        """One picture alone; arguments as in `dialogue`."""
        return cls(id, task, (), (), label, _given([picture]))

    def marked(self, task: Task) -> Self:
        """This sample, with the task's name for 'no label fits' taken from `label` to `out_of_scope`."""
        if self.label is None or self.label != task.out_of_scope:
            return self
        return replace(self, label=None, out_of_scope=self.label)


def listed(given: Any, name: str, expected: str) -> list[Any]:
    """What was given as the argument `name`, which is to be a list, as one.

    Raises:
        InputError: it is nothing, or something whose parts are no samples: a table, a mapping, bytes.
    """
    table = hasattr(given, "columns")  # a DataFrame yields the names of its columns
    if table or isinstance(given, bytes | Mapping) or not isinstance(given, Iterable):
        hint = " A table is read from a file: write it by `to_csv` first." if table else ""
        raise InputError(f"`{name}` is of type {type(given).__name__}; expected {expected}.{hint}")
    return list(given)


def _said(number: int, turn: object) -> tuple[str, str]:
    """Who says a turn, and its text."""
    if isinstance(turn, str):
        return "user", turn
    if isinstance(turn, tuple | list) and len(turn) == 2 and all(isinstance(part, str) for part in turn):
        return turn[0], turn[1]
    kind = type(turn).__name__
    raise TypeError(f"turn {number} is of type {kind}; expected a text, or a pair of 'user' or 'agent' and a text")


def _given(pictures: Sequence[str | Path | bytes | Image]) -> tuple[Path | bytes | Image, ...]:
    if isinstance(pictures, str | bytes | Path):
        raise TypeError("pictures must be a list of pictures, not a single one")
    if not isinstance(pictures, Iterable):
        raise TypeError(f"pictures must be a list of pictures, not of type {type(pictures).__name__}")
    given = list(pictures)
    for picture in given:
        if not isinstance(picture, str | bytes | Path) and not hasattr(picture, "save"):
            raise TypeError(f"a picture is a path, bytes or a PIL image, not of type {type(picture).__name__}")
    return tuple(Path(picture) if isinstance(picture, str) else picture for picture in given)


def without_placeholders(text: str) -> str:
    """A turn's text with a space in place of each picture and link."""
    return PLACEHOLDER.sub(" ", text)
