"""What a result was made of: resumed work finds by it whether a row's result is still that of the row."""

from __future__ import annotations

from pathlib import Path

from kdsl.data.pictures import picture_path
from kdsl.data.sample import Sample
from kdsl.errors import InputError
from kdsl.files import file_hash
from kdsl.runs import digest


def content_digest(sample: Sample, images: Path) -> str:
    """A digest of what a prediction of this sample depends on: its task, its turns, the bytes of its pictures.

    Neither the id, the label nor a picture's name counts, so that a result can be told from that of another text under
    the same id. A picture that cannot be read counts as such: once it is there, the digest is another.

    Args:
        images: the folder that all pictures lie below.
    """
    turns = [(turn.role, turn.text) for turn in sample.turns]
    return digest(sample.task, turns, [_picture_hash(images, name) for name in sample.images])


def _picture_hash(images: Path, name: str) -> str | None:
    try:
        return file_hash(picture_path(images, name))
    except (InputError, OSError):
        return None
