"""The OCR backends side by side on drawn screens, whose text is known: characters read, and processor time per picture.

    make test-paddle        # an environment that has PaddleOCR
    .venv-paddle/bin/python benchmarks/ocr_backends.py --pictures 24

The backends read the same files in one process, with the same settings and one thread each, one after the other at each
picture, so that what else the machine does falls on both. Loading their models is timed by itself. 'drawn' is the share
of the characters drawn that a backend read, 'made up' the share of what it read that was not drawn (both as multisets,
picture by picture).
"""

from __future__ import annotations

import tempfile
import time
from collections import Counter
from pathlib import Path

import click
import numpy as np
from ocr import characters, draw_screens
from PIL import Image
from rich.console import Console
from rich.table import Table

from kdsl.config import EvidenceConfig
from kdsl.evidence.ocr_paddle import PaddleOcr
from kdsl.evidence.ocr_rapid import RapidOcr


@click.command()
@click.option("--pictures", default=24, show_default=True)
@click.option("--max-side", default=EvidenceConfig().max_side, show_default=True, help="evidence.max_side.")
@click.option("--seed", default=1, show_default=True)
def main(pictures: int, max_side: int, seed: int) -> None:
    """Print one row per backend."""
    backends = (RapidOcr(max_side), PaddleOcr(max_side))
    loading: dict[str, float] = {}
    seconds: dict[str, list[float]] = {backend.name: [] for backend in backends}
    read: dict[str, list[Counter[str]]] = {backend.name: [] for backend in backends}
    with tempfile.TemporaryDirectory() as folder:
        drawn = draw_screens(Path(folder), pictures, seed)
        for backend in backends:
            started = time.process_time()
            backend.read(np.full((64, 64, 3), 255, np.uint8))
            loading[backend.name] = time.process_time() - started
        for name in drawn:
            with Image.open(Path(folder, name)) as image:
                pixels = np.asarray(image.convert("RGB"))
            for backend in backends:
                started = time.process_time()
                lines = backend.read(pixels)
                seconds[backend.name].append(time.process_time() - started)
                read[backend.name].append(characters(line.text for line in lines))
    total = sum(known.total() for known in drawn.values())
    table = Table("", "s per picture", "median", "loading, s", "characters", "drawn", "made up", box=None)
    for backend in backends:
        found = read[backend.name]
        right = sum((mine & known).total() for mine, known in zip(found, drawn.values(), strict=True))
        count = sum(mine.total() for mine in found)
        table.add_row(
            f"{backend.name} {backend.version}",
            f"{np.mean(seconds[backend.name]):.2f}",
            f"{np.median(seconds[backend.name]):.2f}",
            f"{loading[backend.name]:.1f}",
            f"{count}",
            f"{right / total:.1%}",
            f"{1 - right / max(count, 1):.1%}",
        )
    both = zip(*read.values(), strict=True)
    same = sum((one & other).total() for one, other in both)
    Console(width=160).print(
        f"{pictures} pictures, {total} characters drawn; both read {same} the same", table, sep="\n"
    )


if __name__ == "__main__":
    main()
