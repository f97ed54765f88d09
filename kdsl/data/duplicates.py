"""Near-duplicates: samples with the same words and with pictures that look the same."""

from __future__ import annotations

import hashlib
import os
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from scipy.cluster.hierarchy import DisjointSet

from kdsl.data.pictures import as_rgb, guarded, load_pixels, open_header, picture_path, upright
from kdsl.data.sample import Sample, without_placeholders
from kdsl.errors import InputError
from kdsl.words import is_word, normalise, units

_SIDE = 16
_STEP = 4
"""Grey levels of 255 by which neighbours must differ: less is the noise of compression."""
SAME_PICTURE = 12
"""Two pictures look the same when at most this many of their 256 fingerprint bits differ."""
TELLING_TEXT = 16
"""Dialogues of at least this many letters in a script without spaces, all the same, are near-duplicates whatever their
pictures; a word counts as two of them, about as many as a word has in Chinese."""


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """A picture's identity: size in pixels, SHA-256 of the file, and a difference hash of its look."""

    width: int
    height: int
    sha256: str
    look: bytes
    """256 bits: whether each of 16 x 16 cells is clearly brighter than its left neighbour (dHash)."""


def fingerprint(root: Path, name: str, max_megapixels: float) -> Fingerprint:
    """Decode a picture completely, so that damage is found, and compute its fingerprint.

    Raises:
        InputError: as `open_picture` does.
    """
    path = picture_path(root, name)
    with open_header(path, name, max_megapixels) as picture:
        width, height = picture.size
        # a JPEG is decoded at an eighth of its size: all of its data is still read
        picture.draft("L", (_SIDE * 4, _SIDE * 4))
        load_pixels(picture, name)
        with guarded(name):
            as_rgb(upright(picture).crop((0, 0, 1, 1)))  # what a fit does, on one pixel
            plain = as_rgb(picture) if picture.mode == "LAB" else picture
            grey = plain.convert("L").resize((_SIDE + 1, _SIDE), Image.Resampling.BOX)
    cells = np.asarray(grey, dtype=np.int16)  # [16, 17]
    look = np.packbits(cells[:, 1:] - cells[:, :-1] > _STEP).tobytes()
    return Fingerprint(width, height, hashlib.sha256(path.read_bytes()).hexdigest(), look)


def fingerprints(
    root: Path, names: Iterable[str], max_megapixels: float
) -> tuple[dict[str, Fingerprint], dict[str, str]]:
    """Fingerprints of many pictures on all cores, and what is wrong with those that cannot be read.

    Returns:
        (name -> fingerprint, name -> message).
    """
    good: dict[str, Fingerprint] = {}
    bad: dict[str, str] = {}

    def one(name: str) -> Fingerprint | InputError:
        try:
            return fingerprint(root, name, max_megapixels)
        except InputError as error:
            return error

    distinct = list(dict.fromkeys(names))
    with ThreadPoolExecutor(os.cpu_count()) as pool:  # Pillow decodes without holding the interpreter's lock
        for name, result in zip(distinct, pool.map(one, distinct), strict=True):
            if isinstance(result, Fingerprint):
                good[name] = result
            else:
                bad[name] = str(result)
    return good, bad


def read_fingerprints(root: Path, samples: Iterable[Sample], max_megapixels: float = 100) -> dict[str, Fingerprint]:
    """Fingerprints of all pictures of these samples.

    Raises:
        InputError: pictures cannot be read (the first few are named).
    """
    good, bad = fingerprints(root, (name for sample in samples for name in sample.images), max_megapixels)
    if bad:
        listed = "\n".join(f"  - {message}" for message in list(bad.values())[:5])
        raise InputError(f"{root}: {len(bad)} picture(s) cannot be read; `kdsl data check` lists all:\n{listed}")
    return good


def picture_groups(prints: Mapping[str, Fingerprint]) -> dict[str, int]:
    """Number the groups of pictures that look the same: name -> group.

    Flat pictures (a blank page has no edges to compare) are grouped only where the files are equal.
    """
    names = list(prints)
    if not names:
        return {}
    sets = DisjointSet(range(len(names)))
    same_file: dict[str, int] = {}
    for i, name in enumerate(names):
        sets.merge(i, same_file.setdefault(prints[name].sha256, i))
    bits = np.unpackbits(
        np.frombuffer(b"".join(prints[name].look for name in names), dtype=np.uint8).reshape(len(names), -1),
        axis=1,
    ).astype(np.float32)  # [n, 256]
    edges = bits.sum(axis=1)
    vivid = np.flatnonzero((edges > SAME_PICTURE * 2) & (edges < bits.shape[1] - SAME_PICTURE * 2))
    for start in range(0, len(vivid), 1024):
        rows = vivid[start : start + 1024]
        # Hamming distance by matrix product: |a| + |b| - 2ab
        distance = edges[rows, None] + edges[None, vivid] - 2 * bits[rows] @ bits[vivid].T
        for a, b in np.argwhere(distance <= SAME_PICTURE):
            if rows[a] < vivid[b]:
                sets.merge(int(rows[a]), int(vivid[b]))
    return {name: sets[i] for i, name in enumerate(names)}


def said_units(sample: Sample) -> tuple[str, ...]:
    """The words and letters of a dialogue in normal form, without signs, numbers and placeholders."""
    text = normalise(without_placeholders(" ".join(turn.text for turn in sample.turns)))
    return tuple(unit for unit in units(text) if any(map(str.isalpha, unit)))


def near_duplicates(samples: Sequence[Sample], prints: Mapping[str, Fingerprint]) -> list[list[str]]:
    """Groups of two or more near-duplicate samples of one task, as lists of ids in file order.

    Samples belong together when their words are the same and their pictures look the same, or when
    words that are long enough to tell are the same. Pictures without a fingerprint are never alike.
    """
    groups = picture_groups(prints)
    alike: dict[object, list[int]] = defaultdict(list)
    for i, sample in enumerate(samples):
        text = said_units(sample)
        if sum(2 if is_word(unit) else 1 for unit in text) >= TELLING_TEXT:
            alike[(sample.task, text)].append(i)
        if sample.images and all(name in groups for name in sample.images):
            alike[(sample.task, text, tuple(groups[name] for name in sample.images))].append(i)
    sets = DisjointSet(range(len(samples)))
    for members in alike.values():
        for member in members[1:]:
            sets.merge(members[0], member)
    found: dict[int, list[str]] = defaultdict(list)
    for i, sample in enumerate(samples):
        found[sets[i]].append(sample.id)
    return [ids for ids in found.values() if len(ids) > 1]


def duplicate_groups(samples: Sequence[Sample], prints: Mapping[str, Fingerprint]) -> np.ndarray:
    """A number [n] per sample, the same for those that `near_duplicates` puts together."""
    first = {name: ids[0] for ids in near_duplicates(samples, prints) for name in ids}
    return np.unique([first.get(sample.id, sample.id) for sample in samples], return_inverse=True)[1]
