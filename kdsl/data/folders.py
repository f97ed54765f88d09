"""Reads rows from folders: pictures with one subfolder per label, and what `datasets` wrote with `save_to_disk`."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from kdsl.data.files import Row
from kdsl.data.notes import Notes
from kdsl.errors import InputError, MissingDependency

ENDINGS = (".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff")
"""Of files that are taken for pictures; whether they are is seen when they are opened."""
_SPLITS = "dataset_dict.json"
_DATASET = "state.json"


def folder_rows(folder: Path, notes: Notes) -> Iterator[Row]:
    """The rows of a folder.

    A picture's id is its path below the folder ('apple/01.jpg'), and its label is the subfolder; pictures that lie
    directly in the folder have no label. Hidden files are passed over.

    Args:
        notes: takes the files that are not read.

    Raises:
        InputError: the folder holds no picture, or it holds several splits of a dataset.
        MissingDependency: it is a dataset, and the package `datasets` is not installed.
    """
    if (folder / _SPLITS).is_file():
        splits = sorted(path.name for path in folder.iterdir() if (path / _DATASET).is_file())
        raise InputError(f"{folder}: holds the splits {', '.join(splits)} of a dataset; give one of them.")
    if (folder / _DATASET).is_file():
        yield from _dataset_rows(folder)
        return
    found = False
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder)
        if path.is_dir() or any(part.startswith(".") for part in inside.parts):
            continue
        name = inside.as_posix()
        if path.suffix.lower() not in ENDINGS:
            notes.add("files that are no pictures are not read", name)
        elif len(inside.parts) > 2:
            notes.add("pictures deeper than one subfolder per label are not read", name)
        else:
            found = True
            yield Row(
                name, {"id": name, "images": [name], "label": inside.parts[0] if len(inside.parts) == 2 else None}
            )
    if not found:
        raise InputError(
            f"{folder}: is a folder without pictures ({', '.join(ENDINGS)}); expected one subfolder of pictures per "
            "label, pictures alone, or a file of samples."
        )


def picture_root(data: Sequence[Path], images: Path) -> Path:
    """The folder that pictures are relative to: `images`, or the data itself where that is a folder.

    Raises:
        InputError: a folder is given beside other data, which would need another root.
    """
    folders = [path for path in data if path.is_dir()]
    if folders and len(data) > 1:
        raise InputError(f"{folders[0]}: a folder of pictures is read alone; put all pictures into one folder.")
    return folders[0] if folders else images


def _dataset_rows(folder: Path) -> Iterator[Row]:
    """The rows of a dataset: classes by their names, pictures by their content."""
    try:
        from datasets import ClassLabel, Image, load_from_disk
    except ImportError as error:
        raise MissingDependency(
            f"{folder}: is a dataset of Hugging Face, and the package that reads it is missing: pip install datasets."
        ) from error
    dataset = load_from_disk(str(folder))
    classes = {name: feature for name, feature in dataset.features.items() if isinstance(feature, ClassLabel)}
    pictures = [name for name, feature in dataset.features.items() if isinstance(feature, Image)]
    for name in pictures:
        dataset = dataset.cast_column(name, Image(decode=False))
    for number, row in enumerate(dataset, 1):
        for name, feature in classes.items():
            row[name] = feature.int2str(row[name]) if row[name] is not None and row[name] >= 0 else None
        for name in pictures:
            row[name] = _content(row[name])
        yield Row(f"row {number}", row)


def _content(picture: dict[str, Any] | None) -> dict[str, Any] | None:
    if picture is None or picture.get("bytes") is None:
        return picture
    return {"bytes": base64.b64encode(picture["bytes"]).decode("ascii")}
