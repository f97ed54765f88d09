"""Cuts a Markdown text into sections: each heading with the text below it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import yaml
from markdown_it import MarkdownIt
from markdown_it.token import Token

from kdsl.errors import InputError
from kdsl.yaml_files import Loader

_FRONT = re.compile(r"---[ \t]*\r?\n(.*?)(?:\r?\n)?^(?:---|\.\.\.)[ \t]*\r?$\n?", re.DOTALL | re.MULTILINE)

_TAG = re.compile(r"<!--.*?-->|<[^<>]*>", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Section:
    """A heading's line in the file (from 1) and the values of its entry: title, text and those of the front matter."""

    line: int
    values: dict[str, Any]


def sections(text: str, name: str) -> list[Section]:
    """The sections of a text, by CommonMark with tables.

    The title is the heading, below those that it is under, a line each. A heading with nothing but further headings
    below it is no section; another without text is one that lacks it. Text before the first heading has the front
    matter's `title`, or `name`. Markup is dropped: of a link stays its text, of a picture its description.

    Raises:
        InputError: the front matter is no mapping in YAML.
    """
    front, body, skipped = _front_matter(text)
    cut = [_Cut(0, skipped + 1, str(front.pop("title", name)), [])]
    for block in _blocks(MarkdownIt("commonmark").enable("table").parse(body)):
        if block.level:
            cut.append(_Cut(block.level, block.line + skipped, block.text, []))
        else:
            cut[-1].texts.append(block.text)
    found: list[Section] = []
    above: list[_Cut] = []
    for one, following in zip(cut, [*cut[1:], None], strict=True):
        above = [*(other for other in above if 0 < other.level < one.level), one]
        values = front | {"title": "\n".join(other.heading for other in above)}
        if one.texts:
            found.append(Section(one.line, values | {"text": "\n".join(one.texts)}))
        elif one.level and not (following and following.level > one.level):
            found.append(Section(one.line, values))
    return found


@dataclass(frozen=True, slots=True)
class _Block:
    level: int
    """Of a heading, 1 to 6; 0 for text."""
    line: int
    text: str


@dataclass(frozen=True, slots=True)
class _Cut:
    level: int
    line: int
    heading: str
    texts: list[str]


def _blocks(tokens: Sequence[Token]) -> Iterator[_Block]:
    level, line = 0, 0
    for token in tokens:
        line = token.map[0] + 1 if token.map else line
        if token.type == "heading_open":
            level = int(token.tag[1:])
        elif token.type == "heading_close":
            level = 0
        elif text := _text(token):
            yield _Block(level, line, text)


def _text(token: Token) -> str:
    if token.type == "inline":
        return _plain(token.children or []).strip()
    if token.type == "html_block":
        return _TAG.sub("", token.content).strip()
    return token.content.strip() if token.type in ("fence", "code_block") else ""


def _plain(tokens: Sequence[Token]) -> str:
    breaks = ("softbreak", "hardbreak")
    return "".join("\n" if t.type in breaks else "" if t.type == "html_inline" else t.content for t in tokens)


def _front_matter(text: str) -> tuple[dict[str, Any], str, int]:
    """The front matter, the text behind it, and how many lines were taken off."""
    found = _FRONT.match(text)
    if not found:
        return {}, text, 0
    try:
        front = yaml.load(found[1], Loader) or {}
    except (yaml.YAMLError, RecursionError) as error:
        raise InputError(f"the front matter cannot be read as YAML: {error}") from error
    if not isinstance(front, dict):
        raise InputError(f"the front matter should be names and values, found {type(front).__name__}")
    return front, text[found.end() :], found[0].count("\n")
