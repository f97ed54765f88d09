"""Dialogues as text: the MIRE challenge's notation parsed into turns, and each turn's text cleaned.

A dialogue stands between two markers; each turn starts a line with `用户:` (user) or `客服:` (agent).
A picture that was sent stands as `<image>`, a link as `<http>`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import Literal

from kdsl.data.sample import Turn
from kdsl.errors import InputError

START = "<用户与客服的对话 START>"
END = "<用户与客服的对话 END>"
IMAGE = "<image>"
LINK = "<http>"
ROLES: dict[str, Literal["user", "agent"]] = {"用户": "user", "客服": "agent"}
SPEAKERS: dict[str, str] = {role: name for name, role in ROLES.items()}

# Only at the start of a line: agents write '用户:' inside their sentences too.
_SPEAKER = re.compile(r"^(用户|客服)[ \t\u3000]*[:：]", re.MULTILINE)

# Emoticons as the shop's messenger (Aliwangwang) writes them: '/:' and a code from a closed list. Runs
# of x stand for codes whose digits were painted over by whoever made the data anonymous.
_EMOTICON = re.compile(
    r"/:(?:\d{3}|\^.\^|>.<|\(OK\)|\(Zz\.{3}\)|\(&\)|\)-\(|-[FW]|O=O|8\*8|U\*U|~B|\*&"
    r"|(?:clock|girl|man|lip|plane|qp|[xX]{2,4}|[HYQbPORCU])(?![A-Za-z])|[$%@?!])"
)
_MARKUP = re.compile(
    r"</?(?:[A-Za-z]+:[A-Za-z]+|b|br|i|u|em|strong|span|font|p|div|a|img)(?:\s[^<>]*)?/?>", re.IGNORECASE
)
_ADDRESS = re.compile(r"(?:https?://|www\.)[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]+")
_LINK_WORD = re.compile(r"[<\[【][^<>\[\]【】\n]{0,4}(?:链接|网址)[^<>\[\]【】\n]{0,4}[>\]】]")
_QUOTED_LINK = re.compile(r"[\"“”'‘’]\s*<http>\s*[\"“”'‘’]")


def has_dialogue(text: str) -> bool:
    """Whether a text holds a dialogue: the START marker, or a line that starts with a user's turn."""
    return START in text or any(match.group(1) == "用户" for match in _SPEAKER.finditer(text))


def dialogue_body(text: str) -> str:
    """What stands between the markers, without the line breaks next to them; all of it if there are none.

    Raises:
        InputError: only one of the markers is there.
    """
    start, end = text.find(START), text.rfind(END)
    if start < 0 and end < 0:
        return text
    if start < 0 or end < start:
        have, lack = (START, END) if start >= 0 else (END, START)
        raise InputError(f"the dialogue has '{have}' but no '{lack}' to go with it; is it cut off?")
    return text[start + len(START) : end].removeprefix("\n").removesuffix("\n")


def parse_turns(body: str) -> tuple[Turn, ...]:
    r"""Split a dialogue into turns; a line without a speaker belongs to the turn before it.

    Turns are lossless: `"\n".join(turn.raw for turn in turns) == body`.

    Raises:
        InputError: there is no turn, no turn of the user, or text before the first speaker.
    """
    found = list(_SPEAKER.finditer(body))
    if not found:
        raise InputError("the dialogue has no turn; each must start a line with '用户:' or '客服:'.")
    before = body[: found[0].start()]
    if before.strip():
        raise InputError(
            f"the dialogue starts with '{before.strip()[:20]}'; each turn must start a line with '用户:' or '客服:'."
        )
    # blank lines before the first speaker are kept in the first turn's raw text
    starts = [0, *(match.start() for match in found[1:])]
    ends = [*(start - 1 for start in starts[1:]), len(body)]
    turns = tuple(
        Turn(ROLES[match.group(1)], clean_text(body[match.end() : end]), body[start:end])
        for match, start, end in zip(found, starts, ends, strict=True)
    )
    require_user_turn(turns)
    return turns


def require_user_turn(turns: Sequence[Turn]) -> None:
    """Raise InputError where no turn is the user's."""
    if not any(turn.role == "user" for turn in turns):
        raise InputError("the dialogue has no turn of the user ('用户:'), so there is no intent to recognise.")


def clean_text(raw: str) -> str:
    """A turn's text for models and rules: one line, no markup, no emoticon codes, links as `<http>`.

    `<image>` placeholders stay, in number and order; what cleaning joins into one is broken up again.
    """
    parts = (_clean_part(part).replace(IMAGE, "image") for part in raw.split(IMAGE))
    return " ".join(f" {IMAGE} ".join(parts).split())


def _clean_part(text: str) -> str:
    text = " ".join(text.split())
    # control and format characters: zero-width spaces, direction marks, byte order marks
    text = "".join(c for c in text if unicodedata.category(c) not in ("Cc", "Cf"))
    text = _ADDRESS.sub(LINK, text)
    text = _LINK_WORD.sub(LINK, text)
    text = _EMOTICON.sub("", _MARKUP.sub("", text))
    return _QUOTED_LINK.sub(LINK, text)


def format_turns(turns: Sequence[Turn]) -> str:
    """Turns as a dialogue's body that `parse_turns` splits in the same way again.

    Turns that were read from this notation are written verbatim. Others get their speaker, and a line in
    them that would read as the start of another turn is indented by one space.
    """
    lines = []
    for turn in turns:
        match = _SPEAKER.match(turn.raw.lstrip())
        if match and ROLES[match.group(1)] == turn.role:
            said = turn.raw.lstrip()[match.end() :]
            opening = turn.raw[: len(turn.raw) - len(said)]
        else:
            said, opening = turn.raw, f"{SPEAKERS[turn.role]}: "
        lines.append(opening + _SPEAKER.sub(r" \g<0>", said))
    return "\n".join(lines)
