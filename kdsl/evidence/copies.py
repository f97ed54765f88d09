"""Copies among samples whose pictures were observed: no picture's file is read again."""

from __future__ import annotations

from collections.abc import Sequence

from kdsl.data.duplicates import Fingerprint, near_duplicates
from kdsl.evidence.types import Evidence


def fingerprints(evidences: Sequence[Evidence]) -> dict[str, Fingerprint]:
    """Of each picture, by name, from what was observed of it: copies are alike."""
    found = {}
    for picture in (picture for evidence in evidences for picture in evidence.pictures):
        found[picture.name] = Fingerprint(picture.width, picture.height, picture.digest(), look=bytes(32))
    return found


def without_copies(labelled: Sequence[Evidence]) -> list[Evidence]:
    """The samples of one task, in their order, of which no two have the same label and are near-duplicates."""
    copies = near_duplicates([evidence.sample for evidence in labelled], fingerprints(labelled))
    first = {name: ids[0] for ids in copies for name in ids}
    kept: dict[tuple[str, str | None], Evidence] = {}
    for evidence in labelled:
        sample = evidence.sample
        kept.setdefault((first.get(sample.id, sample.id), sample.label), evidence)
    return list(kept.values())
