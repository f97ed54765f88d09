"""Dialogues as text: the MIRE challenge's notation parsed into turns, and each turn's text cleaned.

A dialogue may stand between two markers; each turn starts a line with its speaker (`kdsl.data.speakers`), such as
`用户:` or `客服:`. A picture that was sent stands as `<image>`, a link as `<http>`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import Literal

from kdsl.data.sample import Turn
from kdsl.data.speakers import JOINER, Opening, Speakers
from kdsl.errors import InputError

START = "<用户与客服的对话 START>"
END = "<用户与客服的对话 END>"
IMAGE = "<image>"
LINK = "<http>"
LONGEST = 20_000
"""Characters of a turn that are read, after cleaning: models read fewer, and the time of a fit grows with them."""
SPEAKERS: dict[Literal["user", "agent"], str] = {"user": "用户", "agent": "客服"}
"""The speakers as they are written."""

_START, _END = (re.compile(re.escape(marker), re.IGNORECASE) for marker in (START, END))
_MARKER_LINE = re.compile(rf"^[ \t]*(?:{_START.pattern}|{_END.pattern})[ \t\r]*$", re.IGNORECASE | re.MULTILINE)

# Emoticons as the shop's messenger (Aliwangwang) writes them: '/:' and a code from a closed list. Runs
# of x stand for codes whose digits were painted over by whoever made the data anonymous.
_EMOTICON = re.compile(
    r"/:(?:\d{3}|\^.\^|>.<|\(OK\)|\(Zz\.{3}\)|\(&\)|\)-\(|-[FW]|O=O|8\*8|U\*U|~B|\*&"
    r"|(?:clock|girl|man|lip|plane|qp|[xX]{2,4}|[HYQbPORCU])(?![A-Za-z])|[$%@?!])"
)
# An attribute has a value: 'a<b and b>c' is no tag.
_ATTRIBUTES = r"""(?:\s+[\w:.-]+\s*=\s*(?:"[^"<>]*"|'[^'<>]*'|[^\s"'<>]+))*\s*/?"""
_MARKUP = re.compile(
    rf"</?(?:[A-Za-z]+:[A-Za-z]+|b|i|u|em|strong|span|font|a|img){_ATTRIBUTES}>", re.IGNORECASE | re.ASCII
)
_BLOCK = re.compile(rf"</?(?:br|p|div|li|ul|ol|tr|td|table|h[1-6]){_ATTRIBUTES}>", re.IGNORECASE | re.ASCII)
_ESCAPED_BREAK = re.compile(r"\\r\\n|\\n")
_DRIVE = re.compile(r"\b[A-Za-z]:\\")
_ADDRESS = re.compile(r"(?:https?://|www\.)[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]+")
_LINK_WORD = re.compile(r"[<\[【][^<>\[\]【】\n]{0,4}(?:链接|网址)[^<>\[\]【】\n]{0,4}[>\]】]")
_QUOTED_LINK = re.compile(r"[\"“”'‘’]\s*<http>\s*[\"“”'‘’]")


def has_dialogue(text: str, speakers: Speakers | None = None) -> bool:
    """Whether a text holds a dialogue: the START marker, or a line that starts with a speaker."""
    return bool(_START.search(text)) or next((speakers or Speakers.of()).openings(text), None) is not None


def dialogue_body(text: str) -> str:
    """What stands between the markers, without the line breaks next to them; all of it if there are none.

    Raises:
        InputError: only one of the markers is there.
    """
    start, ends = _START.search(text), list(_END.finditer(text))
    if start is None and not ends:
        return text
    if start is None or not ends or ends[-1].start() < start.start():
        have, lack = (START, END) if start is not None else (END, START)
        raise InputError(f"the dialogue has '{have}' but no '{lack}' to go with it; is it cut off?")
    return text[start.end() : ends[-1].start()].removeprefix("\n").removesuffix("\n")


def parse_turns(body: str, speakers: Speakers | None = None) -> tuple[Turn, ...]:
    r"""Split a dialogue into turns; a line without a speaker belongs to the turn before it.

    Turns are lossless: `"\n".join(turn.raw for turn in turns) == body` but for line ends between them that hold no
    line feed (a carriage return alone, `<br>`), which become one.

    Raises:
        InputError: there is no turn, no turn of the user, text before the first speaker, or a second dialogue.
    """
    found = list((speakers or Speakers.of()).openings(body))
    if not found:
        raise InputError("the dialogue has no turn; each must start a line with '用户:' or '客服:'.")
    before = body[: found[0].break_at]
    if before.strip():
        raise InputError(
            f"the dialogue starts with '{before.strip()[:20]}'; each turn must start a line with '用户:' or '客服:'."
        )
    if _MARKER_LINE.search(body):
        raise InputError(f"holds '{START}' more than once; a sample is one dialogue.")
    # blank lines before the first speaker are kept in the first turn's raw text
    starts = [0, *(opening.start for opening in found[1:])]
    ends = [*(_end_before(body, opening) for opening in found[1:]), len(body)]
    turns = tuple(
        Turn(opening.role, clean_text(body[opening.end : end]), body[start:end])
        for opening, start, end in zip(found, starts, ends, strict=True)
    )
    require_user_turn(turns)
    return turns


def _end_before(body: str, opening: Opening) -> int:
    """Where the turn before ends: at the line feed, which joining puts back, else before the whole line end."""
    return opening.start - 1 if body[opening.start - 1] == "\n" else opening.break_at


def require_user_turn(turns: Sequence[Turn]) -> None:
    """Raise InputError where no turn is the user's."""
    if not any(turn.role == "user" for turn in turns):
        raise InputError("the dialogue has no turn of the user ('用户:'), so there is no intent to recognise.")


def clean_text(raw: str) -> str:
    """A turn's text for models and rules: one line, no markup, no emoticon codes, links as `<http>`.

    `<image>` placeholders stay, in number and order; what cleaning joins into one is broken up again. Of a text that is
    longer than `LONGEST` the beginning is left, and all placeholders.
    """
    parts, room = [], LONGEST
    for part in _parts(raw):
        parts.append(part[:room])
        room = max(room - len(part), 0)
    return " ".join(f" {IMAGE} ".join(parts).split())


def is_cut(raw: str) -> bool:
    """Whether `clean_text` leaves out the end of a text."""
    return len(raw) > LONGEST and sum(map(len, _parts(raw))) > LONGEST


def _parts(raw: str) -> list[str]:
    """What stands before, between and after the placeholders of pictures, cleaned."""
    if not _DRIVE.search(raw):  # the 'n' of C:\new is no line end
        raw = _ESCAPED_BREAK.sub(" ", raw)
    return [" ".join(_clean_part(part).replace(IMAGE, "image").split()) for part in raw.split(IMAGE)]


def _clean_part(text: str) -> str:
    text = " ".join(text.split())
    # control and format characters: zero-width spaces, direction marks, byte order marks
    text = "".join(c for c in text if unicodedata.category(c) not in ("Cc", "Cf"))
    text = _MARKUP.sub("", _BLOCK.sub(" ", text))  # before addresses, which tags hold too
    text = _EMOTICON.sub("", _LINK_WORD.sub(LINK, _ADDRESS.sub(LINK, text)))
    return _QUOTED_LINK.sub(LINK, text)


def format_turns(turns: Sequence[Turn], speakers: Speakers | None = None) -> str:
    """Turns as a dialogue's body that `parse_turns` splits in the same way again.

    Turns that were read from this notation are written verbatim. Others get their speaker. A line in a turn that
    would read as the start of another, or as a marker, gets an invisible word joiner in front.
    """
    table = speakers or Speakers.of()
    lines = []
    for turn in turns:
        opening = _own_opening(turn, table)
        head = turn.raw[: opening.end] if opening else f"{SPEAKERS[turn.role]}: "
        lines.append(_protected(head, turn.raw[opening.end :] if opening else turn.raw, table))
    return "\n".join(lines)


def _own_opening(turn: Turn, speakers: Speakers) -> Opening | None:
    """The speaker at the head of a raw turn, where it is the notation's and not something that was said."""
    opening = next(speakers.openings(turn.raw), None)
    if opening is None or opening.role != turn.role or turn.raw[: opening.break_at].strip():
        return None
    return None if turn.text == clean_text(turn.raw) else opening


def _protected(head: str, said: str, speakers: Speakers) -> str:
    whole = head + said
    places = {opening.start for opening in speakers.openings(whole)} | {m.start() for m in _MARKER_LINE.finditer(whole)}
    for place in sorted((place for place in places if place >= len(head)), reverse=True):
        whole = whole[:place] + JOINER + whole[place:]
    return whole
