"""`DataSource`: the files that the samples of a fit were read from, as a bundle records them."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from kdsl.data.columns import Columns


@dataclass(frozen=True)
class DataSource:
    """Files of samples, the folder of their pictures, a file of OCR results, and columns with names of their own."""

    files: Sequence[Path]
    images: Path = Path()
    ocr: Path | None = None
    columns: Columns = field(default_factory=dict)

    def record(self, folder: Path) -> dict[str, Any]:
        """Plain values; paths are written from where `folder` lies, so that both may be moved together."""
        return {
            "files": [_from(file, folder) for file in self.files],
            "images": _from(self.images, folder),
            "ocr": _from(self.ocr, folder) if self.ocr else None,
            "columns": dict(self.columns),
        }

    @classmethod
    def recorded(cls, values: Mapping[str, Any], folder: Path) -> Self:
        """What `record` gave, for the same folder, wherever that lies now."""
        ocr = folder / values["ocr"] if values["ocr"] else None
        files = [folder / name for name in values["files"]]
        return cls(files, folder / values["images"], ocr, values["columns"])


def _from(path: Path, folder: Path) -> str:
    try:
        return Path(os.path.relpath(path.resolve(), folder.resolve())).as_posix()
    except ValueError:  # another drive
        return path.resolve().as_posix()
