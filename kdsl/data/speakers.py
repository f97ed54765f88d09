"""Speakers of dialogues: the names that start a turn, and the line ends that a turn may follow.

A turn opens at the start of a line with a speaker and a colon. Before the speaker may stand a time (`[10:00] 用户:`),
and after it a number or a time (`客服2:`, `客服 2024-05-01 10:00:31` at a line's end); `【用户】` needs no colon.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, NamedTuple

from kdsl.tasks import Task

Role = Literal["user", "agent"]

NAMES: dict[Role, tuple[str, ...]] = {
    "user": (
        *("用户", "用戶", "顾客", "顧客", "客户", "客戶", "买家", "買家", "消费者", "消費者"),
        *("user", "customer", "client", "buyer", "shopper", "human"),
    ),
    "agent": (
        *(
            "客服",
            "卖家",
            "賣家",
            "商家",
            "店家",
            "店小二",
            "机器人",
            "機器人",
            "智能客服",
            "人工客服",
            "在线客服",
            "線上客服",
        ),
        *("agent", "assistant", "bot", "chatbot", "seller", "support", "operator", "representative", "merchant"),
    ),
}
"""Speakers in simplified and traditional Chinese and in English, whatever their case; a task file may add others."""

BREAK = r"\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]|<br\s*/?>|\\r\\n|\\n"
"""Line ends: those of Unicode, an HTML line break, and an escaped one (a backslash and an n)."""
JOINER = "\u2060"
"""Word joiner: put before a line that must not open a turn; cleaning removes it."""

# possessive: a long run of spaces would else be parted in every way between two of these
_INVISIBLE = r"[ \t\u00a0\u3000\u200b-\u200f\ufeff]*+"
_SPACES = r"[ \t\u00a0\u3000]*+"
_DATE = r"\d{2,4}[-/.年]\d{1,2}[-/.月]\d{1,4}日?"
_TIME = rf"(?:{_DATE}[ T,，]*)?\d{{1,2}}:\d{{2}}(?::\d{{2}})?(?:{_SPACES}[AaPp][Mm])?"
_STAMP = rf"(?:[\[(（【]{_SPACES}{_TIME}{_SPACES}[\])）】]|{_TIME}){_SPACES}-?{_SPACES}"
_STRANGER = re.compile(
    rf"(?:{BREAK}){_INVISIBLE}(?:{_STAMP})?"
    rf"((?!\d+:|https?:)\S{{1,8}}{_SPACES}[:：]|\S[^\n:：]{{0,20}}{_SPACES}[(（\[]{_TIME}[\])）]\s*[:：]?|【[^【】\n]{{1,8}}】"
    rf"|(?:{'|'.join(name for names in NAMES.values() for name in names if not name.isascii())}){_SPACES}[-–—>→|])",
    re.IGNORECASE,
)


class Opening(NamedTuple):
    """The start of a turn: the line end before it stands at `[break_at:start]`, the words begin at `end`."""

    break_at: int
    start: int
    end: int
    role: Role


@dataclass(frozen=True)
class Speakers:
    """A table of speakers, and the turns that it finds in a text."""

    roles: Mapping[str, Role]
    """Name in lower case -> role."""
    pattern: re.Pattern[str]

    @classmethod
    def of(cls, tasks: Iterable[Task] = ()) -> Speakers:
        """The usual names and those that these tasks add."""
        added: list[tuple[Role, str]] = []
        for task in tasks:
            added += [("user", name) for name in task.speakers.user]
            added += [("agent", name) for name in task.speakers.agent]
        return _compiled(tuple(added))

    def openings(self, text: str) -> Iterator[Opening]:
        """Where turns open in a text, in its order."""
        for match in self.pattern.finditer(text):
            name = match["bracketed"] or match["name"]
            yield Opening(match.start(), match.start("opening"), match.end(), self.roles[name.lower()])

    def role_of(self, name: str) -> Role | None:
        """The role of a speaker's name, if it is in the table."""
        return self.roles.get(name.strip().lower())


@lru_cache(maxsize=16)
def _compiled(added: tuple[tuple[Role, str], ...]) -> Speakers:
    roles: dict[str, Role] = {name.lower(): role for role, names in NAMES.items() for name in names}
    roles |= {name.strip().lower(): role for role, name in added}
    names = "|".join(re.escape(name) for name in sorted(roles, key=len, reverse=True))
    pattern = (
        rf"(?P<break>\A|{BREAK})(?P<opening>{_INVISIBLE}(?:{_STAMP})?(?:"
        rf"[【\[](?P<bracketed>{names}){_SPACES}\d{{0,4}}[】\]]{_SPACES}[:：]?"
        rf"|(?P<name>{names}){_SPACES}\d{{0,4}}{_SPACES}"
        rf"(?:[:：]|{_STAMP}(?:[:：]|(?=\Z|{BREAK})))))"
    )
    return Speakers(roles, re.compile(pattern, re.IGNORECASE))


def stranger(text: str) -> str | None:
    """The start of a line after the first that reads like a turn of someone who is not in the table: '店长:'."""
    match = _STRANGER.search(text)
    return match[1] if match else None
