"""The encoding of users' text files: UTF-8; what certainly is UTF-16 or GB18030 is read as that; the rest is refused.

Shops in China save tables as GB18030 (GBK is a part of it), and Excel's 'Unicode text' is UTF-16. An encoding is taken
for another one only where that is certain, since a wrong guess garbles texts without a word. So Windows-1252 is not
guessed: nearly any bytes are text in it, and it differs from its neighbours of Eastern Europe in some letters.
"""

from __future__ import annotations

import codecs
import io
import unicodedata
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO

from kdsl.data.notes import Notes
from kdsl.errors import InputError

_UTF8 = "utf-8"
_NAMES = {"utf-16": "UTF-16", "gb18030": "GB18030"}
_START = 1 << 16
"""Bytes by which an encoding is known; the rest must be valid in it."""
_PART = 1 << 20
"""Characters, or bytes, that are recoded at once."""
# Frequent in chats with a shop, simplified and traditional: a text read in the wrong encoding holds hardly any.
_FREQUENT = frozenset(
    "的一是在不了有和人这中大为上个我以要他时来用们到说你能好没还吗请问什么怎么可以退款换货钱单买卖家客服亲您发快递收商品件"
    "色码号大小質量質看图片订会就都也很啊呢吧给想把那去下再里现天月日多少"
    "這個為時來們說沒還嗎請問什麼怎換貨錢單買賣發遞圖訂會給號碼裡現顏"
)
_FEWEST = 4
"""Different frequent characters that a text must hold to be taken for Chinese. 554 letters of Korean, read as GB18030,
held 2."""
_ORDINARY = 0.9
"""The least share of the first level of GB2312, 3,755 characters of common use, among a text's letters that are not
ASCII. It was 0.98 or more in simplified Chinese, and 0.6 or less in Big5 that is read as GB18030."""
_SHARE = 0.1
"""The least share of frequent characters. It was 0.15 or more in Chinese, and 0.05 or less in Korean and Japanese."""


def as_utf8(path: Path, notes: Notes | None = None) -> BinaryIO:
    """A text file opened for reading as UTF-8, whatever its encoding, if that is known for certain.

    Bytes that are neither come as they are: whoever decodes them says where they stand.

    Args:
        notes: takes that the file was read as another encoding.

    Raises:
        OSError: it cannot be opened.
    """
    state = path.stat()
    encoding = _encoding(path, state.st_mtime_ns, state.st_size)
    if encoding == _UTF8:
        return path.open("rb")
    if notes is not None:
        notes.add(f"{path.name} is not UTF-8; read as {_NAMES[encoding]}")
    return io.BufferedReader(_Recoded(path.open(encoding=encoding, newline="")), _START)


class _Recoded(io.RawIOBase):
    """A text as bytes in UTF-8, read from the beginning to the end."""

    def __init__(self, text: io.TextIOWrapper) -> None:
        self._text = text
        self._ready = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        view = memoryview(buffer)
        self._ready = self._ready or self._text.read(_PART).encode()
        now, self._ready = self._ready[: len(view)], self._ready[len(view) :]
        view[: len(now)] = now
        return len(now)

    def close(self) -> None:
        self._text.close()
        super().close()


@lru_cache(maxsize=64)  # a file is opened several times for one reading
def _encoding(path: Path, _changed: int, _size: int) -> str:
    """The encoding of a file; UTF-8 also where it cannot be told."""
    with path.open("rb") as file:
        start = file.read(_START)
        if _decoded(start, _UTF8) is not None:
            return _UTF8
        found = "utf-16" if start[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) else "gb18030"
        text = _decoded(start, found)
        if text is None or "\0" in text or (found == "gb18030" and not _is_chinese(text)):
            return _UTF8
        file.seek(0)
        decoder = codecs.getincrementaldecoder(found)()
        try:
            while part := file.read(_PART):
                decoder.decode(part)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return _UTF8
        return found


def _decoded(start: bytes, encoding: str) -> str | None:
    """The start of a file as text, of which the last character may be cut off; None where it is no text."""
    try:
        return codecs.getincrementaldecoder(encoding)().decode(start)
    except UnicodeDecodeError:
        return None


def _is_chinese(text: str) -> bool:
    """Whether what was read as GB18030 is simplified Chinese, and not another encoding that happens to be valid."""
    words = [char for char in text if char > "\x7f" and unicodedata.category(char)[0] in "LC"]
    ordinary = sum(_is_ordinary(char) for char in words)
    frequent = [char for char in words if char in _FREQUENT]
    return len(set(frequent)) >= _FEWEST and ordinary >= _ORDINARY * len(words) and len(frequent) >= _SHARE * len(words)


def _is_ordinary(char: str) -> bool:
    try:
        return 0xB0 <= char.encode("gb2312")[0] <= 0xD7
    except UnicodeEncodeError:
        return False


def require_text(start: bytes, path: Path) -> None:
    """Refuse the start of a file that is text in two or four bytes per character.

    Raises:
        InputError: says which encoding it looks like.
    """
    found = None
    if start[:4] in (b"\xff\xfe\0\0", b"\0\0\xfe\xff"):
        found = "UTF-32"
    elif start[:2] in (b"\xff\xfe", b"\xfe\xff"):
        found = "UTF-16"
    elif start[:64].count(0) >= max(1, len(start[:64]) // 4):
        found = "UTF-16 without a byte order mark"
    if found:
        raise InputError(
            f"{path}: is not UTF-8: byte 0 is 0x{start[0]:02x}. It looks like {found}. Save the file as UTF-8."
        )


def encoding_hint(content: bytes) -> str:
    """What bytes that are not UTF-8 can be read as: a sentence with a space in front, or nothing."""
    scores = {}
    for codec, name in (("gb18030", "GB18030 (GBK)"), ("big5", "Big5"), ("shift_jis", "Shift JIS")):
        try:
            text = content.decode(codec)
        except UnicodeDecodeError:
            continue
        kana = sum("\u3040" <= c < "\u3100" for c in text)
        scores[name] = sum(c in _FREQUENT for c in text) + kana
    best = max(scores.values(), default=0)
    likely = [name for name, score in scores.items() if score == best]
    if best:
        return f" It can be read as {' or '.join(likely)}."
    high = [i for i, byte in enumerate(content) if byte >= 0x80]
    alone = [i for i in high if i - 1 not in high and i + 1 not in high]
    if high and len(alone) >= 0.9 * len(high):  # accents between letters of ASCII
        return " It looks like Windows-1252 (Latin-1)."
    if "GB18030 (GBK)" in likely:
        return " It can be read as GB18030 (GBK)."
    return f" It can be read as {likely[0]}." if likely else " It may be damaged, or no text at all."
