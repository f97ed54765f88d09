"""From samples to evidence: each picture is read once, on all cores, and the results are cached."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Literal, overload

from kdsl.child_processes import cores
from kdsl.config import EvidenceConfig
from kdsl.data.folders import picture_root
from kdsl.data.pictures import check_size, picture_path
from kdsl.data.readers import read_files
from kdsl.data.sample import Sample
from kdsl.errors import InputError, KdslError
from kdsl.evidence.cache import Cache, content_key
from kdsl.evidence.facts import picture_facts
from kdsl.evidence.lines import LONGEST, denoise, reading_order, shortened
from kdsl.evidence.ocr import open_backend
from kdsl.evidence.ocr_shared import OcrBackend
from kdsl.evidence.pixels import PixelStats
from kdsl.evidence.precomputed import open_precomputed
from kdsl.evidence.types import Evidence, OcrLine, Picture
from kdsl.evidence.worker import Job, Outcome, Store, Worker, read_in_processes
from kdsl.progress import track
from kdsl.resources import default_cache_dir
from kdsl.runs import listed
from kdsl.tasks import Task

log = logging.getLogger(__name__)

Fault = tuple[str, str]
"""(sample id, message) of a sample whose pictures cannot be used."""

POOL_FROM = 8
"""Minimum number of pictures to read for which worker processes, which take about a second to start, pay off."""


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
    """Evidence of each sample, in the order of the samples.

    Pictures that several samples share, and files with the same content, are read once. The result for each picture
    is cached as soon as it is there, so a run that was killed resumes where it stopped.

    Args:
        images: the root folder of the pictures.
        ocr_file: JSONL of OCR results; pictures that are not in it are read by the backend.
        cache: the cache folder; `kdsl.resources.default_cache_dir()` if None.
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


def load_evidence(
    data: Sequence[Path],
    images: Path,
    tasks: Sequence[Task],
    config: EvidenceConfig,
    ocr_file: Path | None = None,
    check: Callable[[Sequence[Sample]], None] = lambda samples: None,
) -> list[Evidence]:
    """Read one or more files of samples and observe them: evidence of every sample, in the order of the files.

    Args:
        check: called with the samples before any picture is read; raises if something is wrong with them.

    Raises:
        InputError: a sample or a picture cannot be used (the message lists the first few), or two files share an id.
        MissingDependency: the OCR backend is not installed.
    """
    samples = read_files(data, tasks)
    check(samples)
    return observe(samples, picture_root(data, images), config, ocr_file)


class _Reader:
    """Looks pictures up in the cache and the OCR file, and reads the others."""

    def __init__(self, images: Path, config: EvidenceConfig, cache: Path, ocr_file: Path | None) -> None:
        self.images = images
        self.config = config
        self.store = Store(Cache(cache))
        self.given = open_precomputed(ocr_file) if ocr_file else None
        self._backend: OcrBackend | None = None

    @property
    def backend(self) -> OcrBackend:
        """Created on first use: if all text is given, the backend need not be installed."""
        if self._backend is None:
            self._backend = open_backend(self.config)
        return self._backend

    def pictures(self, names: Iterable[str], workers: int | None) -> dict[str, Picture | KdslError]:
        """Each picture by its name, or the error that occurred."""
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
                try:  # it may have been read where the limit was higher
                    check_size(name, pixels.width, pixels.height, self.config.max_megapixels)
                    found[name] = self._picture(name, path, lines, pixels)
                except InputError as error:
                    found[name] = error
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
        # boxes of an OCR file are scaled to the picture's size, which is measured first
        return (self.given.lines(name, pixels.width, pixels.height) if pixels else None), pixels

    def _picture(self, name: str, path: Path, lines: list[OcrLine], pixels: PixelStats) -> Picture:
        ordered = reading_order(denoise(lines, self.config.min_score))
        if sum(len(line.text) for line in ordered) > LONGEST:
            log.warning(
                "picture '%s' has more text than %s characters, of which only these are read", name, f"{LONGEST:,}"
            )
            ordered = shortened(ordered)
        facts = picture_facts(pixels, ordered)
        return Picture(name, path, pixels.width, pixels.height, tuple(ordered), facts)

    def _run(self, jobs: Sequence[Job], workers: int | None) -> Iterator[Outcome]:
        """Run the jobs in this process or in worker processes."""
        if not jobs:
            return iter(())
        count = min(workers or cores(), len(jobs))
        if count == 1 or len(jobs) < POOL_FROM:
            worker = Worker(self.images, self.config, self.store.cache.root, self._backend)
            outcomes: Iterator[Outcome] = (worker.read(job) for job in jobs)
        else:
            outcomes = read_in_processes(jobs, count, (self.images, self.config, self.store.cache.root))
        return track(outcomes, "reading pictures", len(jobs))
