"""Strangers: samples about nothing that a task's are about; `kdsl.ensemble.familiar` learns its limit from them.

They are made without any data: texts of words drawn at random, and pictures of noise. Whether a text is of everyday
sentences or of such words made little difference to the limit (docs/experiments.md, 2026-11-28).
"""

from __future__ import annotations

import tempfile
from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image

from kdsl.encoders.pictures import PictureEncoder, looks_of
from kdsl.encoders.texts import UniversalSentenceEncoder
from kdsl.evidence.types import UNSEEN, Picture

TEXTS = 200
WORDS = (3, 10)
"""Fewest and most words of a text."""
SCRIPTS = (r"\p{Han}+", r"\p{Latin}+")
"""In turn, one of them per text: Chinese, and the languages of the encoder that are written as English is."""
PICTURES = 40
SIDE = 260
"""Pixels."""
STEEPEST = 2.0
"""Of the slopes of noise: 0 is white noise; natural pictures fall about as 1/f (van der Schaaf & van Hateren 1996)."""


def strange_texts(seed: int) -> list[str]:
    """Texts of words of the encoder's vocabulary, each drawn as often as it was there when that was made."""
    rng = np.random.default_rng(seed)
    texts = []
    for n in range(TEXTS):
        words, shares = _vocabularies()[n % len(SCRIPTS)]
        drawn = rng.choice(words, size=rng.integers(*WORDS, endpoint=True), p=shares)
        texts.append("".join(drawn).strip())
    return texts


@lru_cache(maxsize=1)
def _vocabularies() -> list[tuple[np.ndarray, np.ndarray]]:
    """Words and their shares, of each script."""
    encoder = UniversalSentenceEncoder()
    return [encoder.words(script) for script in SCRIPTS]


def strange_pictures(encoder: PictureEncoder, seed: int) -> np.ndarray:
    """Looks [n, 2 dim] at pictures of noise, grey or coloured, from white noise to clouds."""
    rng = np.random.default_rng(seed)
    frequency = np.hypot(np.fft.fftfreq(SIDE)[:, None], np.fft.fftfreq(SIDE)[None])
    frequency[0, 0] = 1.0
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for n in range(PICTURES):
            spectrum = np.fft.fft2(rng.normal(size=(3 if n % 2 else 1, SIDE, SIDE)))
            noise = np.fft.ifft2(spectrum / frequency ** rng.uniform(0, STEEPEST)).real
            noise = 128 + 64 * (noise - noise.mean()) / noise.std()
            pixels = np.broadcast_to(np.clip(noise, 0, 255).astype(np.uint8), (3, SIDE, SIDE))
            path = Path(folder) / f"{n}.png"
            Image.fromarray(np.ascontiguousarray(pixels.transpose(1, 2, 0))).save(path)
            found.append(looks_of(Picture(path.name, path, SIDE, SIDE, (), UNSEEN), encoder))
    return np.stack(found)
