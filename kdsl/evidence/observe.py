"""From samples to evidence: every picture is read once, over all cores, and what was read stays in the cache."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Literal, overload

from kdsl.config import EvidenceConfig
from kdsl.data.pictures import picture_path
from kdsl.data.sample import Sample
from kdsl.errors import InputError, KdslError
from kdsl.evidence.cache import Cache, content_key
from kdsl.evidence.denoise import denoise
from kdsl.evidence.facts import picture_facts
from kdsl.evidence.ocr import OcrBackend, open_backend
from kdsl.evidence.order import reading_order
from kdsl.evidence.pixels import PixelStats
from kdsl.evidence.precomputed import open_precomputed
from kdsl.evidence.types import Evidence, OcrLine, Picture
from kdsl.evidence.worker import Job, Outcome, Store, Worker, read_in_processes
from kdsl.progress import track
from kdsl.resources import default_cache_dir
from kdsl.runs import listed

Fault = tuple[str, str]
"""(sample id, message) of a sample that has no evidence."""

POOL_FROM = 8
"""Unread pictures from which worker processes are worth their start of about a second."""


@overload
def observe(
    samples: Sequence[Sample],
    images: Path,
    config: EvidenceConfig,
    ocr_file: Path | None = None,
    cache: Path | None = None,
    on_error: Literal["raise"] = "raise",
    workers: int | None = None,
) -> list[Evidence]: ...


@overload
def observe(
    samples: Sequence[Sample],
    images: Path,
    config: EvidenceConfig,
    ocr_file: Path | None = None,
    cache: Path | None = None,
    *,
    on_error: Literal["collect"],
    workers: int | None = None,
) -> tuple[list[Evidence], list[Fault]]: ...


def observe(
    samples: Sequence[Sample],
    images: Path,
    config: EvidenceConfig,
    ocr_file: Path | None = None,
    cache: Path | None = None,
    on_error: Literal["raise", "collect"] = "raise",
    workers: int | None = None,
) -> list[Evidence] | tuple[list[Evidence], list[Fault]]:
    """Evidence of each sample, in their order.

    Pictures that several samples share, and files of equal content, are read once. What a picture gave is
    written to the cache at once, so a run that is killed goes on where it was.

    Args:
        images: the folder that all pictures lie below.
        ocr_file: JSONL of OCR results; pictures that it lacks are read by the backend.
        cache: folder of the cache; `kdsl.resources.default_cache_dir` if None.
        on_error: `raise` reads all pictures, then raises one error that lists the samples whose pictures
            cannot be used; `collect` returns (evidence of the others, faults).
        workers: processes that read pictures; one per core if None.

    Raises:
        InputError: a picture cannot be used (`raise` only), or the OCR file has a fault.
        MissingDependency: the OCR backend that the config names is not installed.
    """
    reader = _Reader(images, config, cache or default_cache_dir(), ocr_file)
    pictures = reader.pictures({name for s in samples for name in s.images}, workers)
    evidences: list[Evidence] = []
    faults: list[Fault] = []
    for sample in samples:
        found = [pictures[name] for name in sample.images]
        bad = [str(picture) for picture in found if isinstance(picture, KdslError)]
        if bad:
            faults.append((sample.id, " ".join(bad)))
        else:
            evidences.append(Evidence(sample, tuple(p for p in found if isinstance(p, Picture))))
    if on_error == "collect":
        return evidences, faults
    if faults:
        lines = listed(f"{id}: {message}" for id, message in faults)
        raise InputError(f"the pictures of {len(faults)} sample(s) cannot be used:\n{lines}")
    return evidences


class _Reader:
    """Finds pictures in the cache and the OCR file, and reads the others."""

    def __init__(self, images: Path, config: EvidenceConfig, cache: Path, ocr_file: Path | None) -> None:
        self.images = images
        self.config = config
        self.store = Store(Cache(cache))
        self.given = open_precomputed(ocr_file) if ocr_file else None
        self._backend: OcrBackend | None = None

    @property
    def backend(self) -> OcrBackend:
        """Made at first need: with all text given, a backend that is not installed is no fault."""
        if self._backend is None:
            self._backend = open_backend(self.config)
        return self._backend

    def pictures(self, names: Iterable[str], workers: int | None) -> dict[str, Picture | KdslError]:
        """Each picture by its name, or the error that stands for it."""
        found: dict[str, Picture | KdslError] = {}
        waiting: dict[str, tuple[Path, str]] = {}
        jobs: dict[str, Job] = {}
        for name in sorted(names):
            try:
                path = picture_path(self.images, name)
                key = content_key(path)
            except InputError as error:
                found[name] = error
                continue
            except OSError as error:
                found[name] = InputError(f"picture '{name}' cannot be read: {error.strerror or error}")
                continue
            lines, pixels = self._known(name, key)
            if lines is not None and pixels is not None:
                found[name] = self._picture(name, path, lines, pixels)
            else:
                waiting[name] = path, key
                ocr = lines is None and not (self.given is not None and name in self.given)
                jobs[key] = Job(name, key, ocr or (key in jobs and jobs[key].ocr))
        failed = {job.key: (job.name, error) for job, error in self._run(list(jobs.values()), workers) if error}
        for name, (path, key) in waiting.items():
            lines, pixels = self._known(name, key)
            if key in failed:
                read, fault = failed[key]
                same = f"picture '{name}' has the same content as another: "
                found[name] = fault if read == name else InputError(f"{same}{fault}")
            elif lines is not None and pixels is not None:
                found[name] = self._picture(name, path, lines, pixels)
            else:
                found[name] = InputError(f"picture '{name}': what was read is gone from the cache; run again.")
        return found

    def _known(self, name: str, key: str) -> tuple[list[OcrLine] | None, PixelStats | None]:
        pixels = self.store.pixels(key)
        if self.given is None or name not in self.given:
            return self.store.lines(self.backend, key), pixels
        # given boxes are scaled to the picture's size, so its pixels come first
        return (self.given.lines(name, pixels.width, pixels.height) if pixels else None), pixels

    def _picture(self, name: str, path: Path, lines: list[OcrLine], pixels: PixelStats) -> Picture:
        ordered = reading_order(denoise(lines, self.config.min_score))
        facts = picture_facts(pixels, ordered)
        return Picture(name, path, pixels.width, pixels.height, tuple(ordered), facts)

    def _run(self, jobs: Sequence[Job], workers: int | None) -> Iterator[Outcome]:
        """Do the jobs here or in worker processes."""
        if not jobs:
            return iter(())
        count = min(workers or _cores(), len(jobs))
        if count == 1 or len(jobs) < POOL_FROM:
            worker = Worker(self.images, self.config, self.store.cache.root, self._backend)
            outcomes: Iterator[Outcome] = (worker.read(job) for job in jobs)
        else:
            outcomes = read_in_processes(jobs, count, (self.images, self.config, self.store.cache.root))
        return track(outcomes, "reading pictures", len(jobs))


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
