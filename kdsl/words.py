"""The units of a text: words where a script puts spaces between them, single characters where it does not.

The script of each character decides, so a mixed text has both: '这款iPhone15的emi分期' is 这 款 iPhone15 的 emi 分 期,
and 'A12-X' is A12 - X. Rules, lexical features, near-duplicates, augmentation and OCR noise ask here what a word is.
A run of letters, digits and their marks is one word; so is a number.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

import regex

UNSPACED = (
    "Han", "Hiragana", "Katakana", "Bopomofo", "Yi", "Thai", "Lao", "Khmer", "Myanmar", "Tibetan", "Javanese",
    "Balinese", "Tai_Tham", "New_Tai_Lue", "Tai_Viet",
)  # fmt: skip
"""Scripts that put no space between words (Unicode's names; Korean and Vietnamese do, so they are not among them)."""

_IN_WORD = r"[[\p{L}\p{N}\p{M}]--[" + "".join(rf"\p{{scx={script}}}" for script in UNSPACED) + "]]"
_PIECE = regex.compile(rf"{_IN_WORD}+|.", regex.VERSION1 | regex.DOTALL)
_WORD = regex.compile(rf"{_IN_WORD}+", regex.VERSION1)
_SPACE = r"[\x09-\x0d\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]"
"""What `str.isspace` holds for; the module's own class leaves four of them out."""
_UNIT = regex.compile(rf"{_IN_WORD}+|[\p{{Any}}--{_SPACE}]", regex.VERSION1)
_UNSEEN = regex.compile(rf"[[\p{{Cc}}\p{{Cf}}\p{{Cs}}]--{_SPACE}]+", regex.VERSION1)
_SPACES = regex.compile(rf"(?<={_IN_WORD})({_SPACE}+)(?={_IN_WORD})|{_SPACE}+", regex.VERSION1)


def pieces(text: str) -> list[str]:
    """The text cut into words and single characters, nothing left out: `"".join(pieces(text)) == text`."""
    return _PIECE.findall(text)


def is_word(piece: str) -> bool:
    """Whether a piece is a word, and not a single character of a script without spaces, a sign or a space."""
    return _WORD.fullmatch(piece) is not None


def units(text: str) -> list[str]:
    """The words and single characters of a text, signs among them, without spaces."""
    return _UNIT.findall(text)


def words_of(text: str) -> list[str]:
    """The words of a text in normal form, without the characters of scripts without spaces and without signs."""
    return _WORD.findall(normalise(text))


def joined(parts: Iterable[str]) -> str:
    """Units as a text, with one space between two words and none elsewhere; `units` is the inverse."""
    text: list[str] = []
    after_word = False
    for part in parts:
        word = is_word(part)
        text += [" ", part] if word and after_word else [part]
        after_word = word
    return "".join(text)


def normalise(text: str) -> str:
    """The normal form of a text: NFKC, case folded, no invisible characters, spaces between words and nowhere else.

    The function is idempotent.
    """
    while True:
        folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
        folded = _SPACES.sub(lambda found: " " if found[1] else "", _UNSEEN.sub("", folded))
        if folded == text:
            return text
        text = folded


def spaced(text: str) -> bool:
    """Whether a text is written in words: more of its units are words than characters of scripts without spaces.

    Numbers count for neither, and a text without letters is not written in words.
    """
    letters = [unit for unit in units(text) if any(map(str.isalpha, unit))]
    return 2 * sum(map(is_word, letters)) > len(letters)


def whole_words(word: str) -> str:
    """A regular expression of the module `regex` (VERSION1) that finds a text where it neither begins nor ends
    within a word."""
    parts = units(word) or [""]
    before = rf"(?<!{_IN_WORD})" if is_word(parts[0]) else ""
    after = rf"(?!{_IN_WORD})" if is_word(parts[-1]) else ""
    return f"{before}{regex.escape(word)}{after}"
