"""`Neutraliser`: keeps user text (turns, OCR, snippets) from being tokenised to special tokens."""

from __future__ import annotations

import re
import unicodedata
from typing import Any

JOINER = "\u200d"
"""Zero-width joiner, which is invisible to readers."""

_PLACEHOLDERS = ("<image>", "<video>", "<audio>")
"""Placeholders that are not tokens of Qwen-VL, but that other tools expand to media in prompts."""


class Neutraliser:
    """Inserts a zero-width joiner after the first character of every special token that is spelled out in a text.

    `neutralise('<|im_start|>')` looks the same but is tokenised to ordinary tokens. Other text is returned unchanged
    except for Unicode normalisation (NFC, which Qwen's tokenizers apply anyway; here it comes first, because it could
    compose the spelling of a special token).
    """

    def __init__(self, tokenizer: Any) -> None:
        added = {str(token) for token in tokenizer.added_tokens_decoder.values()}
        spellings = added | set(tokenizer.all_special_tokens) | set(_PLACEHOLDERS)
        longest_first = sorted((s for s in spellings if len(s) > 1), key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, longest_first)))

    def __call__(self, text: str) -> str:
        text = unicodedata.normalize("NFC", text)
        while self._pattern.search(text):  # spellings may overlap, so one pass may not be enough
            text = self._pattern.sub(lambda match: match[0][0] + JOINER + match[0][1:], text)
        return text
