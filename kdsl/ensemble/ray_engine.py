"""`RayEngine`: predicts a file with Ray, on all cores or GPUs of this machine or of a cluster.

The command reads the file, hands blocks of samples to workers in turn, and takes their answers in that order. Workers
are processes with the bundle's models. If one dies, Ray restarts it and repeats its blocks; a block's answers arrive
together, so every sample has its line once.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kdsl import errors
from kdsl.cluster import cluster
from kdsl.data.sample import Sample
from kdsl.ensemble.blocks import Answer, Blocks, Job
from kdsl.ensemble.workers import AHEAD, Worker, WorkerJob
from kdsl.errors import ConfigError, KdslError

BLOCK = 64
"""Samples per task: what is predicted again if a worker or the command is killed."""
RETRIES = 3
"""Number of times that a block is repeated after its worker died; samples that always kill it end the run."""


@dataclass(frozen=True)
class Share:
    """The number of workers, and the cores and GPUs of each."""

    workers: int
    cores: int
    gpus: int

    @classmethod
    def of(cls, machines: Sequence[Mapping[str, float]], workers: int | None, gpu: bool) -> Share:
        """The largest number of cores per worker with which all workers can run at the same time.

        Args:
            machines: Ray's resources of each machine (`CPU`, `GPU`).
            workers: number of workers; by default one per GPU, or one per core if there are no GPUs.
            gpu: whether the bundle's models use a GPU if there is one.

        Raises:
            ConfigError: there are more workers than GPUs or cores.
        """
        gpu = gpu and any(machine.get("GPU") for machine in machines)

        def places(cores: int) -> int:
            """Number of workers with this many cores that can run at the same time."""
            free = [int(machine.get("CPU", 0)) // cores for machine in machines]
            gpus = [int(machine.get("GPU", 0)) for machine in machines]
            return sum(map(min, free, gpus)) if gpu else sum(free)

        most = places(1)
        workers = workers or most
        if not 0 < workers <= most:
            raise ConfigError(
                f"Ray finds room for {most} worker(s), each with {'a GPU and ' if gpu else ''}a core, but "
                f"{workers} are to run; give fewer `workers`, or set RAY_ADDRESS to a larger cluster."
            )
        cores = 1
        while places(cores + 1) >= workers:
            cores += 1
        return cls(workers, cores, int(gpu))


@dataclass(frozen=True)
class RayEngine:
    """The engine `ray`: a cluster at RAY_ADDRESS, or processes on this machine.

    The bundle, pictures and OCR results must have the same paths on every machine of a cluster.

    Raises:
        MissingDependency: Ray is not installed.
        ConfigError: the cluster cannot run this number of workers, or cannot be reached.
        KdslError: a worker failed, or workers died repeatedly; the lines written so far are kept.
    """

    workers: int | None = None

    def __call__(self, job: Job, blocks: Blocks) -> Iterator[Answer]:
        """One answer per sample, in their order."""
        with cluster() as ray:
            from ray.exceptions import RayError

            machines = [node["Resources"] for node in ray.nodes() if node["Alive"]]
            larges = [own.model("large") for own in job.bundle.config.of_each_large.values()]
            gpu = any(large.device != "cpu" for large in larges if large.server is None)
            share = Share.of(machines, self.workers, gpu=gpu)
            options = {"num_cpus": share.cores, "num_gpus": share.gpus, "max_restarts": -1, "max_task_retries": RETRIES}
            actor, told = ray.remote(**options)(RayWorker), WorkerJob.of(job, share.cores)
            workers = [actor.remote(told) for _ in range(share.workers)]
            try:
                for answer in _in_turn(ray, workers, blocks):
                    yield from answers_of(answer)
            except RayError as error:
                raise KdslError(
                    f"workers failed: {error}\nWhat was predicted is kept: run the same command again, with fewer "
                    "`workers` if they ran out of memory."
                ) from error


class RayWorker:
    """A `Worker` as an actor of Ray."""

    def __init__(self, job: WorkerJob) -> None:
        os.environ["KDSL_CACHE"] = str(job.cache)  # on every machine the path of the one that the command runs on
        self._worker = Worker(job)

    def answer(self, block: Sequence[Sample]) -> list[Answer] | tuple[str, str]:
        """The answers to a block, or name and message of the error that ends the run: Ray would wrap the error itself
        in an exception of its own."""
        try:
            return self._worker.answer(block)
        except KdslError as error:
            return type(error).__name__, str(error)


def answers_of(answer: list[Answer] | tuple[str, str]) -> list[Answer]:
    """The answers that a worker returned; if it returned an error, that error is raised."""
    if isinstance(answer, tuple):
        name, message = answer
        raise getattr(errors, name)(message)
    return answer


def _in_turn(ray: Any, workers: Sequence[Any], blocks: Blocks) -> Iterator[Any]:
    """What workers return for each block, in the order of the blocks; a few blocks are on their way at a time."""
    waiting: deque[Any] = deque()
    parts = (block[start : start + BLOCK] for block in blocks for start in range(0, len(block), BLOCK))
    for number, part in enumerate(parts):
        waiting.append(workers[number % len(workers)].answer.remote(part))
        if len(waiting) == AHEAD * len(workers):
            yield ray.get(waiting.popleft())
    while waiting:
        yield ray.get(waiting.popleft())
