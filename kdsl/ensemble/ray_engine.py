"""`RayEngine`: predicts a file with Ray Data, on all cores or GPUs of this machine or of a cluster.

One task reads the file and distributes chunks of rows. Workers, each a process with the bundle's models, return the
lines of a chunk together, and the caller writes them in the order in which they arrive. If a worker dies, Ray restarts
it and repeats its chunks; the result of a repeated task replaces the earlier one, so every row has its lines once.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from kdsl import errors
from kdsl.cluster import cluster
from kdsl.config import ModelServer
from kdsl.data.resume import Row, Unfinished
from kdsl.ensemble.bundle import Bundle, open_bundle
from kdsl.ensemble.predict_file import Line, predict_chunk
from kdsl.ensemble.predictor import Predictor
from kdsl.errors import ConfigError, KdslError
from kdsl.machine import missing_models
from kdsl.resources import default_cache_dir

CHUNK = 64
"""Rows per worker task: what is predicted again if the worker or the command is killed."""
RETRIES = 3
"""Number of times that a chunk is retried after its worker died; rows that always kill it end the run."""


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

    The bundle, samples, pictures and OCR results must have the same paths on every machine of a cluster.

    Raises:
        MissingDependency: Ray is not installed.
        ConfigError: the cluster cannot run this number of workers, or cannot be reached.
        KdslError: a worker failed, or workers died repeatedly; the lines written so far are kept.
    """

    workers: int | None = None

    def __call__(self, bundle: Bundle, unfinished: Unfinished, images: Path, ocr_file: Path | None) -> Iterator[Line]:
        """One line per row, as chunks are finished."""
        with cluster() as ray:
            machines = [node["Resources"] for node in ray.nodes() if node["Alive"]]
            larges = [own.model("large") for own in bundle.config.of_each_large.values()]
            gpu = any(large.device != "cpu" for large in larges if large.server is None)
            share = Share.of(machines, self.workers, gpu=gpu)
            job = {
                "folder": bundle.folder.absolute(),
                "images": images.absolute(),
                "ocr_file": ocr_file and ocr_file.absolute(),
                "cache": default_cache_dir().absolute(),
                "cores": share.cores,
                "server": bundle.config.large and bundle.config.large.server,
            }
            for batch in _answers(replace(unfinished, source=unfinished.source.absolute()), job, share):
                for answer in batch["answer"]:
                    yield from lines_of(answer)


@dataclass
class ChunkPredictor:
    """One worker. It opens the bundle in `folder` with its first chunk, where an error can be returned as such."""

    folder: Path
    images: Path
    ocr_file: Path | None
    cache: Path
    cores: int
    server: ModelServer | None = None

    @cached_property
    def bundle(self) -> Bundle:
        bundle = open_bundle(self.folder)
        return bundle if self.server is None else bundle.behind(self.server)

    @cached_property
    def predictor(self) -> Predictor:
        if not missing_models():
            import torch

            torch.set_num_threads(self.cores)
        return Predictor(self.bundle)

    def __call__(self, batch: Mapping[str, np.ndarray]) -> dict[str, list[str]]:
        """For each chunk of a batch, as JSON: the list of its lines, or the `error` and `message` that end the run."""
        return {"answer": [json.dumps(self._answer(chunk), ensure_ascii=False) for chunk in batch["rows"]]}

    def _answer(self, chunk: Sequence[Row]) -> list[Line] | dict[str, str]:
        try:
            return list(
                predict_chunk(
                    self.predictor, self.bundle, chunk, self.images, self.ocr_file, self.cache, workers=self.cores
                )
            )
        except KdslError as error:  # Ray would wrap it in an exception of its own
            return {"error": type(error).__name__, "message": str(error)}


def lines_of(answer: str) -> list[Line]:
    """The lines that a worker returned; if it returned an error, that error is raised."""
    found = json.loads(answer)
    if isinstance(found, dict):
        raise getattr(errors, found["error"])(found["message"])
    return found


def _answers(unfinished: Unfinished, job: Mapping[str, Any], share: Share) -> Iterator[Mapping[str, np.ndarray]]:
    """Batches of `answer` as they arrive."""
    import ray
    from ray.data import ActorPoolStrategy, DataContext
    from ray.exceptions import RayError

    size = CHUNK

    def read(_: object) -> Iterator[dict[str, np.ndarray]]:
        for chunk in unfinished.chunks(size):
            cell = np.empty(1, dtype=object)  # numpy would make a matrix of the list
            cell[0] = chunk
            yield {"rows": cell}

    context = DataContext.get_current().copy()
    context.target_max_block_size = 1  # one task per chunk, however small it is
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    context.execution_no_progress_timeout_s = -1  # a large model may take a long time
    with DataContext.current(context):
        chunks = ray.data.from_items([0], override_num_blocks=1).map_batches(read, batch_size=None, num_cpus=0)
        answers = chunks.map_batches(
            ChunkPredictor,
            fn_constructor_kwargs=job,
            batch_size=None,
            compute=ActorPoolStrategy(size=share.workers),
            num_cpus=share.cores,
            num_gpus=share.gpus,
            max_restarts=-1,
            max_task_retries=RETRIES,
        )
    try:
        yield from answers.iter_batches(batch_size=None, prefetch_batches=0)
    except RayError as error:
        raise KdslError(
            f"workers failed: {error}\nWhat was predicted is kept: run the same command again, with fewer "
            "`workers` if they ran out of memory."
        ) from error
