"""`Fields`: case-insensitive access to the fields of a row, which records the fields that were not read.

A key without a value (null, an empty text or list, NaN as pandas writes it) counts as absent.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Set
from typing import Any

from kdsl.data.inline_pictures import keep_base64, keep_inline
from kdsl.errors import InputError

PICTURES = (
    *(
        f"{word}{ending}"
        for word in ("image", "img", "picture", "photo", "pic")
        for ending in ("", "s", "_path", "_paths", "_file", "_files", "_url", "_urls")
    ),
    "图片",
    "照片",
)
"""Names of the field that lists a row's pictures."""
LABELS = ("label", "output")
OTHER_LABELS = ("label_text", "category", "intent", "class", "labels", "标签", "类别", "意图", "分类")
"""Names of the label where a row has none of `LABELS`."""


class Fields:
    """A row's fields by their names in lower case; remembers which were read."""

    def __init__(self, row: dict[str, Any]) -> None:
        self._row = row
        self._names: dict[str, str] = {}
        for name in row:
            self._names.setdefault(str(name).strip().lower(), name)
        self._read: set[str] = set()

    def __contains__(self, name: str) -> bool:
        """Whether the row has the key, be it without a value."""
        return name in self._names

    def has(self, name: str) -> bool:
        """Whether a field has a value."""
        return not is_empty(self._row.get(self._names.get(name, name)))

    def get(self, name: str) -> Any:
        """A field's value, None if it has none; it counts as read."""
        key = self._names.get(name, name)
        self._read.add(key)
        value = self._row.get(key)
        return None if is_empty(value) else value

    def text(self, name: str) -> str:
        """A field that should be text; empty if there is none."""
        value = self.get(name)
        if value is None:
            return ""
        if not isinstance(value, str):
            raise InputError(f"field '{name}' should be text, found {kind(value)}.")
        return value

    def id(self) -> str | None:
        """The row's id: text or a whole number (1.0, as pandas writes it, is 1)."""
        value = self.get("id")
        if value is None:
            return None
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, str | int):
            raise InputError(f"field 'id' should be text or a whole number, found {kind(value)}.")
        return str(value)

    def label(self, known: Set[str]) -> tuple[str | None, str]:
        """The label and the field that it was found in."""
        found = {name: self.get(name) for name in LABELS if self.has(name)}
        if isinstance(found.get("label"), int) and self.has("label_text"):  # SetFit: a label's number, and its name
            found["label"] = self.get("label_text")
        if not any(name in self for name in LABELS):
            other = next((name for name in OTHER_LABELS if self.has(name)), None)
            found = {other: self.get(other)} if other else {}
        labels = {name: _label(name, value, known) for name, value in found.items()}
        if len(set(labels.values())) > 1:
            named = " and ".join(f"'{name}' ('{label}')" for name, label in labels.items())
            raise InputError(f"fields {named} hold different labels; give one.")
        return next(((label, name) for name, label in labels.items()), (None, ""))

    def pictures(self) -> tuple[str, ...]:
        """The pictures that the row lists, under whichever of the names in `PICTURES`."""
        found = {name: _pictures(name, self.get(name)) for name in PICTURES if self.has(name)}
        if len(set(found.values())) > 1:
            raise InputError(f"pictures stand in more than one field ({', '.join(found)}); list them in one, 'images'.")
        return next(iter(found.values()), ())

    def unread(self) -> Iterator[tuple[str, Any]]:
        """Fields with a value that nobody has asked for."""
        for name, value in self._row.items():
            if name not in self._read and not is_empty(value):
                yield str(name), value


def is_empty(value: Any) -> bool:
    """Whether a value says nothing: null, NaN, an empty text or list."""
    return value is None or value in ("", []) or (isinstance(value, float) and math.isnan(value))


def picture_name(value: Any, where: str) -> str:
    """A picture's name below the image folder; one that is given by its data is kept in the cache under a name.

    Args:
        value: a path, a `data:` address, or an object with one of them (`url`, `path`, `bytes`, ...).
        where: for the message, such as "field 'images'".
    """
    if isinstance(value, dict):
        source = value.get("source")
        value = source if isinstance(source, dict) else value
        encoded = value.get("bytes") or value.get("base64") or value.get("data")
        if isinstance(encoded, str) and encoded:
            return encoded if encoded.startswith("data:") else keep_base64(encoded)
        value = next((value[key] for key in ("url", "path", "image_url", "image", "file") if value.get(key)), None)
        return picture_name(value, where)
    if not isinstance(value, str) or not value:
        raise InputError(f"{where} should be a list of picture paths, found {kind(value)}.")
    return keep_inline(value) if value.startswith("data:") else value


def _pictures(name: str, value: Any) -> tuple[str, ...]:
    values: Iterable[Any] = value if isinstance(value, list) else [value]
    if any(not isinstance(item, str | dict) or not item for item in values):
        raise InputError(f"field '{name}' should be a list of picture paths, found {kind(value)}.")
    return tuple(picture_name(item, f"field '{name}'") for item in values)


def _label(name: str, value: Any, known: Set[str]) -> str | None:
    if isinstance(value, dict) and isinstance(value.get("choices"), list):  # Label Studio
        value = value["choices"]
    if value == []:  # nothing was chosen
        return None
    if isinstance(value, list):
        if len(value) > 1 or not isinstance(value[0], str):
            raise InputError(f"field '{name}' holds {len(value)} label(s) as a list; a sample has one, as text.")
        value = value[0]
    if isinstance(value, str):
        return value.strip() or None
    if not isinstance(value, bool) and str(value) in known:
        return str(value)
    shown = f"{kind(value)} ({value})" if isinstance(value, bool | int | float) else kind(value)
    hint = "; if it numbers the labels, write their names (datasets: `features['label'].int2str`)"
    raise InputError(
        f"field '{name}' should be text, found {shown}{hint if isinstance(value, int) and value is not True else ''}."
    )


def kind(value: Any) -> str:
    """What a value is, in words."""
    if isinstance(value, list):
        return "a list with something else in it" if value else "an empty list"
    names = {dict: "an object", str: "text", bool: "true or false", type(None): "nothing"}
    return names.get(type(value), "a number")
