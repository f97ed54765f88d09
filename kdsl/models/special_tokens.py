"""Text from outside (turns, OCR, snippets) is data: it must never become a token that steers the model."""

from __future__ import annotations

import re
import unicodedata
from typing import Any

JOINER = "\u200d"
"""Zero-width joiner: breaks a token's spelling, and is invisible to a reader."""

_PLACEHOLDERS = ("<image>", "<video>", "<audio>")
"""Not tokens of Qwen-VL, but what other tools expand to pictures when they read a prompt."""


class Neutraliser:
    """Breaks every spelling of a tokenizer's added tokens by a zero-width joiner after its first character.

    `neutralise('<|im_start|>')` reads the same and tokenises to ordinary pieces. Text that holds no such
    spelling comes back as it was, but for Unicode normalisation (NFC, which Qwen's tokenizers apply anyway;
    doing it first keeps a token from being composed after the check).
    """

    def __init__(self, tokenizer: Any) -> None:
        added = {str(token) for token in tokenizer.added_tokens_decoder.values()}
        spellings = added | set(tokenizer.all_special_tokens) | set(_PLACEHOLDERS)
        longest_first = sorted((s for s in spellings if len(s) > 1), key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, longest_first)))

    def __call__(self, text: str) -> str:
        text = unicodedata.normalize("NFC", text)
        while self._pattern.search(text):  # spellings may overlap: one round can leave the next one whole
            text = self._pattern.sub(lambda match: match[0][0] + JOINER + match[0][1:], text)
        return text
