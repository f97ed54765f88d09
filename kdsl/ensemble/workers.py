"""`Workers`: an engine of processes on this machine, each with the bundle, so that all cores are busy.

A process that dies (out of memory, or a library that crashes on a sample) costs one sample: its block is predicted
again, alone, then in halves, until the sample is found that ends every process that predicts it.
"""

from __future__ import annotations

import logging
import signal
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, islice
from pathlib import Path

from kdsl.child_processes import cores, end_with_parent, process_pool, threads_each
from kdsl.config import ModelServer
from kdsl.data.sample import Sample
from kdsl.ensemble.blocks import Answer, Blocks, Engine, Job, answers
from kdsl.ensemble.bundle import Bundle, open_bundle
from kdsl.ensemble.predictor import Predictor
from kdsl.errors import BundleError, KdslError
from kdsl.machine import free_memory, missing_models
from kdsl.resources import default_cache_dir

log = logging.getLogger(__name__)

AHEAD = 2
"""Blocks per process that are waiting or being predicted."""
FEW = 4
"""Blocks for which it does not pay to start processes, which takes some seconds."""
MEMORY = 1 << 30
"""Bytes that a process takes at most with a bundle without models, its encoders and OCR."""


def in_processes(bundle: Bundle, count: int | None, here: Engine) -> Engine:
    """The engine of `count` processes, or of as many as this machine has use for.

    Where that is one, or where there are few samples, it is the engine `here`, which starts none.

    Args:
        count: None: one where the bundle has a model, which uses all cores or the GPU by itself and would be in memory
            once per process; else one per core, as far as memory allows.
    """
    wanted = count or (1 if bundle.manifest["base"] else max(1, min(cores(), free_memory() // MEMORY)))

    def run(job: Job, blocks: Blocks) -> Iterator[Answer]:
        first = list(islice(blocks, FEW))
        few = count is None and len(first) < FEW
        yield from (here if few or wanted == 1 else Workers(wanted))(job, chain(first, blocks))

    return run


@dataclass(frozen=True)
class WorkerJob:
    """A `Job` as a process is told it; it opens the bundle itself."""

    folder: Path
    bundle: str
    """The id that the bundle must have."""
    images: Path
    ocr_file: Path | None
    cache: Path
    cores: int
    server: ModelServer | None = None
    """The server that holds the large model, where one does."""

    @classmethod
    def of(cls, job: Job, cores: int) -> WorkerJob:
        """The same job for a process with this many cores, wherever it runs."""
        large = job.bundle.config.large
        return cls(
            job.bundle.folder.absolute(),
            job.bundle.versions["bundle"],
            job.images.absolute(),
            job.ocr_file and job.ocr_file.absolute(),
            default_cache_dir().absolute(),
            cores,
            large.server if large else None,
        )


class Worker:
    """One process's bundle, opened with its first block, where an error can be returned as such."""

    def __init__(self, job: WorkerJob) -> None:
        self._job = job

    @cached_property
    def bundle(self) -> Bundle:
        """The bundle that the command has opened, with its large model where the command has it."""
        bundle = open_bundle(self._job.folder)
        if bundle.versions["bundle"] != self._job.bundle:
            raise BundleError(f"{self._job.folder}: was fitted again while it was predicted with; run again.")
        return bundle if self._job.server is None else bundle.behind(self._job.server)

    @cached_property
    def predictor(self) -> Predictor:
        """The bundle's models."""
        if self.bundle.manifest["base"] and not missing_models():
            import torch

            torch.set_num_threads(self._job.cores)
        return Predictor(self.bundle)

    def answer(self, block: Sequence[Sample]) -> list[Answer]:
        """An answer per sample, in their order."""
        job = Job(self.bundle, self._job.images, self._job.ocr_file)
        found = answers(self.predictor, job, block, keep=False, cache=self._job.cache, workers=self._job.cores)
        return list(found)


@dataclass(frozen=True)
class Workers:
    """The engine of `count` processes.

    Raises:
        BundleError: the bundle cannot be opened by them.
        KdslError: a process dies before it has predicted anything.
    """

    count: int

    def __call__(self, job: Job, blocks: Blocks) -> Iterator[Answer]:
        """One answer per sample, in their order."""
        told = WorkerJob.of(job, max(1, cores() // self.count))
        with closing(_Pool(told, self.count)) as pool:
            yield from pool.run(blocks)


class _Pool:
    def __init__(self, job: WorkerJob, count: int) -> None:
        self._job, self._count = job, count
        self._processes: ProcessPoolExecutor | None = None

    def run(self, blocks: Blocks) -> Iterator[Answer]:
        waiting: deque[tuple[list[Sample], Future[list[Answer]]]] = deque()
        more = True
        while True:
            while more and len(waiting) < AHEAD * self._count:
                block = next(blocks, None)
                if block is None:
                    more = False
                else:
                    waiting.append((block, self._submit(block)))
            if not waiting:
                return
            block, future = waiting.popleft()
            try:
                found = future.result()
            except BrokenProcessPool:
                log.warning("a process that predicts has ended; its samples are predicted again")
                found = self._alone(block)
                # what was predicted before it ended stays; the pool gave up the others
                waiting = deque((own, self._submit(own) if _given_up(known) else known) for own, known in waiting)
            yield from found

    def close(self) -> None:
        """End the processes; what they are predicting is lost."""
        if self._processes is not None:
            self._processes.shutdown(wait=False, cancel_futures=True)
            self._processes = None

    def _submit(self, block: list[Sample]) -> Future[list[Answer]]:
        if self._processes is None:
            with threads_each(self._job.cores):
                self._processes = process_pool(self._count, _start, (self._job,))
        try:
            return self._processes.submit(_answer, block)
        except BrokenProcessPool:
            self.close()
            return self._submit(block)

    def _alone(self, block: list[Sample]) -> list[Answer]:
        """The answers to a block of which a process may have died, with no other block in work: a pool that has lost a
        process has given up all of them."""
        try:
            self._submit([]).result()
        except BrokenProcessPool as error:
            raise KdslError(
                "a process ends while it loads the bundle: out of memory? What was predicted is kept: run the same "
                "command again, with fewer `workers`."
            ) from error
        try:
            return self._submit(block).result()
        except BrokenProcessPool:
            if len(block) == 1:
                reason = "the process that predicted this sample ended: a library crashed, or memory ran out."
                return [Answer(reason, failed=True)]
            half = len(block) // 2
            return self._alone(block[:half]) + self._alone(block[half:])


def _given_up(future: Future[list[Answer]]) -> bool:
    return future.cancelled() or isinstance(future.exception(), BrokenProcessPool)


_worker: Worker | None = None


def _start(job: WorkerJob) -> None:
    global _worker  # one per process, so that the bundle is loaded once
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the command, which ends its processes
    end_with_parent()
    _worker = Worker(job)


def _answer(block: list[Sample]) -> list[Answer]:
    assert _worker is not None
    return _worker.answer(block)
