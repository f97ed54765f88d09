"""`Worker`: reads pictures, in this process or in worker processes, and stores the results in the cache."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from kdsl.child_processes import end_with_parent, process_pool, threads_each
from kdsl.config import EvidenceConfig
from kdsl.data.pictures import open_picture
from kdsl.errors import InputError, KdslError
from kdsl.evidence.cache import Cache
from kdsl.evidence.ocr import open_backend
from kdsl.evidence.ocr_shared import OcrBackend
from kdsl.evidence.pixels import VERSION as PIXELS
from kdsl.evidence.pixels import PixelStats, read_pixels
from kdsl.evidence.types import Box, OcrLine


@dataclass(frozen=True, slots=True)
class Job:
    """A picture to measure and, if `ocr` is set, to run OCR on."""

    name: str
    key: str
    """Hash of its content: the key of its cache entries."""
    ocr: bool


Outcome = tuple[Job, KdslError | None]


class Store:
    """Typed access to the cache: OCR lines per backend and pixel measures, by content hash."""

    def __init__(self, cache: Cache) -> None:
        self.cache = cache

    def lines(self, backend: OcrBackend, key: str) -> list[OcrLine] | None:
        """The lines that a backend read in a picture, or None if they are not cached."""
        value: Any = self.cache.get(_space(backend), key)
        try:
            return [OcrLine(str(text), float(score), _box(box)) for text, score, *box in value]
        except (TypeError, ValueError):
            return None

    def put_lines(self, backend: OcrBackend, key: str, lines: Sequence[OcrLine]) -> None:
        """Store lines as compact rows [text, score, left, top, right, bottom]."""
        rows = [[e.text, round(e.score, 4), *(round(side, 1) for side in e.box)] for e in lines]
        self.cache.put(_space(backend), key, rows)

    def pixels(self, key: str) -> PixelStats | None:
        """The pixel measures of a picture, or None if they are not cached."""
        try:
            return PixelStats.from_json(self.cache.get(PIXELS, key))
        except (KeyError, TypeError, ValueError):
            return None

    def put_pixels(self, key: str, pixels: PixelStats) -> None:
        """Store pixel measures."""
        self.cache.put(PIXELS, key, pixels.to_json())


def _space(backend: OcrBackend) -> str:
    return f"ocr-{backend.name}-{backend.version}"


def _box(sides: Sequence[Any]) -> Box:
    left, top, right, bottom = map(float, sides)
    return left, top, right, bottom


class Worker:
    """Reads pictures one at a time and caches the results; there is one worker per process."""

    def __init__(self, images: Path, config: EvidenceConfig, cache: Path, backend: OcrBackend | None = None):
        self.images = images
        self.config = config
        self.store = Store(Cache(cache))
        self.backend = backend

    def read(self, job: Job) -> Outcome:
        """Read one picture. Errors are returned, not raised, so one bad picture does not end the run."""
        try:
            measured = read_pixels(self.images, job.name, self.config.max_megapixels)
            if job.ocr:
                self._read_text(job)
            self.store.put_pixels(job.key, measured)
        except KdslError as error:
            return job, error
        except Exception as error:  # with unusual metadata or colour spaces, Pillow may raise any exception at any step
            return job, InputError(
                f"picture '{job.name}' cannot be read: {_describe(error)}. Save it again, as a plain PNG or JPEG."
            )
        return job, None

    def _read_text(self, job: Job) -> None:
        if self.backend is None:
            self.backend = open_backend(self.config)
        image = np.asarray(open_picture(self.images, job.name, self.config.max_megapixels))
        try:
            lines = self.backend.read(image)
        except KdslError:
            raise
        except Exception as error:  # for unusual sizes, inference engines may raise any exception
            height, width = image.shape[:2]
            raise InputError(
                f"picture '{job.name}' ({width} x {height} pixels): the OCR backend {self.backend.name} failed: "
                f"{_describe(error)}. Crop or enlarge it, or supply its text in a file of OCR results."
            ) from error
        self.store.put_lines(self.backend, job.key, lines)


def _describe(error: Exception) -> str:
    """Type and text of a library's exception; the type often says more than the text."""
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


_worker: Worker | None = None


def _start_worker(images: Path, config: EvidenceConfig, cache: Path) -> None:
    global _worker  # one per process, so that the models are loaded once
    end_with_parent()
    _worker = Worker(images, config, cache)


def _read_in_worker(job: Job) -> Outcome:
    assert _worker is not None
    return _worker.read(job)


def read_in_processes(
    jobs: Sequence[Job], count: int, settings: tuple[Path, EvidenceConfig, Path]
) -> Iterator[Outcome]:
    """Run jobs in `count` processes and yield each outcome as its job ends.

    Args:
        settings: the image folder, the config and the cache folder, as `Worker` takes them.

    Raises:
        KdslError: a process was killed.
    """
    with threads_each(1):
        pool = process_pool(count, _start_worker, settings)
        try:
            # not `map`: a slow picture must not delay the progress of the pictures after it
            for done in as_completed([pool.submit(_read_in_worker, job) for job in jobs]):
                yield done.result()
        except BrokenProcessPool as error:
            raise KdslError(
                "a process that reads pictures was killed (out of memory?). The pictures read so far are cached: run "
                "again, with fewer cores if it happens again (taskset -c 0 kdsl ...)."
            ) from error
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
