"""OCR of many pictures: RapidOCR with default settings, picture by picture, against `kdsl.evidence.observe`.

    python benchmarks/ocr.py --images FOLDER --pictures 40
    python benchmarks/ocr.py --pictures 40          # draws screens of the synthetic world

Both read the same files from disk in one run. RapidOCR's models are loaded before its clock starts; kdsl's
processes start and load theirs inside the time. RapidOCR reads half of the pictures before kdsl and half after
it, so that what else the machine does falls on both. kdsl starts with an empty cache; a second pass over the
warm cache shows what every later run pays.

'characters' is how many characters kdsl read over how many RapidOCR read; 'the same' counts, picture by
picture, the characters that both read (as multisets, so order does not matter).
"""

from __future__ import annotations

import random
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from kdsl.config import EvidenceConfig
from kdsl.data.sample import Sample
from kdsl.evidence.observe import observe

SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".bmp"}


def draw_screens(folder: Path, count: int, seed: int) -> dict[str, Counter[str]]:
    """Names of screens drawn into `folder`, at two pixels per point: 720 wide as most phones send them; and the
    characters that can be read in each."""
    from kdsl.world.screens import draw_screen, families

    rng = random.Random(seed)
    labels = sorted(families())
    drawn = {}
    for index in range(count):
        name = f"{index:04d}.jpg"
        screen = draw_screen(labels[index % len(labels)], random.Random(rng.getrandbits(32)), scale=2)
        screen.image.convert("RGB").save(folder / name, quality=88)
        drawn[name] = characters(line.text for line in screen.lines)
    return drawn


def default_rapidocr(folder: Path, names: Sequence[str]) -> tuple[float, list[Counter[str]]]:
    """Seconds and characters of RapidOCR as its documentation sets it up, one picture after the other."""
    from rapidocr import RapidOCR

    if not names:
        return 0.0, []
    engine = RapidOCR(params={"Global.log_level": "critical"})
    engine(str(folder / names[0]))  # loads the models
    started = time.perf_counter()
    read = [characters(engine(str(folder / name)).txts or ()) for name in names]
    return time.perf_counter() - started, read


def kdsl_observe(folder: Path, names: Sequence[str], cache: Path, max_side: int) -> tuple[float, list[Counter[str]]]:
    """Seconds and characters of `observe` over all cores."""
    samples = [Sample(name, "scene", (name,), ()) for name in names]
    started = time.perf_counter()
    evidences = observe(samples, folder, EvidenceConfig(max_side=max_side), cache=cache)
    elapsed = time.perf_counter() - started
    return elapsed, [characters(line.text for line in evidence.pictures[0].lines) for evidence in evidences]


def characters(texts: Iterable[str]) -> Counter[str]:
    """How often each character but spaces occurs."""
    return Counter("".join("".join(texts).split()))


@click.command()
@click.option("--images", type=click.Path(path_type=Path, exists=True), help="Folder of pictures; default: drawn ones.")
@click.option("--pictures", default=24, show_default=True, help="How many; drawn at random from the folder.")
@click.option("--max-side", default=EvidenceConfig().max_side, show_default=True, help="evidence.max_side of kdsl.")
@click.option("--seed", default=1, show_default=True)
def main(images: Path | None, pictures: int, max_side: int, seed: int) -> None:
    """Print both side by side."""
    with tempfile.TemporaryDirectory() as scratch:
        if images is None:
            folder = Path(scratch)
            names = list(draw_screens(folder, pictures, seed))
        else:
            folder = images
            found = sorted(path.name for path in images.iterdir() if path.suffix.lower() in SUFFIXES)
            names = random.Random(seed).sample(found, min(pictures, len(found)))
        cache = Path(scratch) / "cache"
        middle = len(names) // 2
        first_seconds, first = default_rapidocr(folder, names[:middle])
        seconds, read = kdsl_observe(folder, names, cache, max_side)
        warm, _ = kdsl_observe(folder, names, cache, max_side)
        second_seconds, second = default_rapidocr(folder, names[middle:])
        base_seconds, base = first_seconds + second_seconds, first + second
    total = sum(counts.total() for counts in base)
    table = Table("", "s a picture", "times faster", "characters", "the same", box=None)
    table.add_row("RapidOCR, default settings", f"{base_seconds / len(names):.3f}", "1.00", "100.0%", "100.0%")
    same = sum((ours & theirs).total() for ours, theirs in zip(read, base, strict=True))
    ratio = sum(counts.total() for counts in read) / total
    table.add_row(
        f"kdsl, empty cache, side {max_side}",
        f"{seconds / len(names):.3f}",
        f"{base_seconds / seconds:.2f}",
        f"{ratio:.1%}",
        f"{same / total:.1%}",
    )
    table.add_row("kdsl, warm cache", f"{warm / len(names):.4f}", f"{base_seconds / warm:.0f}", "", "")
    Console().print(f"{len(names)} pictures, {total} characters", table, sep="\n")


if __name__ == "__main__":
    main()
