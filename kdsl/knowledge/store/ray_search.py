"""`searchers`: the segments of a store, searched by Ray workers on all machines of a cluster.

What comes back is what `View.search` returns: each segment's answer is in it, or an error is raised. A segment whose
worker dies is searched by another one. A segment goes to the same worker again, as long as that lives, so that its
pages stay in the memory of one machine.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from kdsl.cluster import cluster
from kdsl.errors import BundleError, ConfigError, KdslError
from kdsl.knowledge.store.catalog import Entry
from kdsl.knowledge.store.policy import Policy
from kdsl.knowledge.store.segments import DAMAGED, Segment
from kdsl.knowledge.store.selection import ANY, Bitmap, Where
from kdsl.knowledge.store.store import Store
from kdsl.knowledge.store.view import View, matrix, merged, open_entry


class Searcher:
    """One worker: opens segments by memory map as it is asked for them, and keeps them open."""

    def __init__(self, folder: Path, dim: int, policy: Policy) -> None:
        self._folder, self._dim, self._policy = folder, dim, policy
        self._segments: dict[Entry, Segment] = {}

    def search(
        self, entry: Entry, queries: np.ndarray, k: int, allowed: Bitmap | None
    ) -> tuple[np.ndarray, np.ndarray] | KdslError:
        """What `Segment.search` returns, or the error that it raises."""
        try:
            if entry not in self._segments:
                self._segments = {known: one for known, one in self._segments.items() if known.name != entry.name}
                self._segments[entry] = open_entry(self._folder, entry, self._dim, self._policy)
            return self._segments[entry].search(queries, k, allowed)
        except FileNotFoundError as error:
            return BundleError(f"{error.args[0]} is missing on a worker's machine. {DAMAGED}")
        except KdslError as error:
            return error


class Searchers:
    """The workers of a store; made by `searchers`."""

    def __init__(self, ray: Any, workers: Mapping[int, Any]) -> None:
        self._ray = ray
        self._workers = dict(workers)

    def search(self, view: View, vectors: np.ndarray, k: int, where: Where = ANY) -> tuple[np.ndarray, np.ndarray]:
        """The same as `view.search`.

        Raises:
            InputError: the vectors have another size than those of the store.
            BundleError: a segment is damaged, or is not on a worker's machine.
            KdslError: no worker is left.
        """
        from ray.exceptions import RayActorError

        queries = matrix(vectors, view.dim)
        shared = self._ray.put(queries)
        tasks = [(entry, allowed) for entry, _, allowed in view.selected(where)]
        parts: dict[int, tuple[np.ndarray, np.ndarray]] = {}
        asked: dict[Any, tuple[int, int]] = {}
        left = list(range(len(tasks)))
        while left or asked:
            for task in left:
                worker = self._worker(task)
                entry, allowed = tasks[task]
                asked[self._workers[worker].search.remote(entry, shared, k, allowed)] = task, worker
            [answer], _ = self._ray.wait(list(asked))
            task, worker = asked.pop(answer)
            left = []
            try:
                found = self._ray.get(answer)
            except RayActorError:
                self._workers.pop(worker, None)
                left = [task]
                continue
            if isinstance(found, KdslError):
                raise found
            parts[task] = found
        return merged([parts[task] for task in sorted(parts)], len(queries), k)

    def _worker(self, task: int) -> int:
        """The worker that a segment goes to."""
        if not self._workers:
            raise KdslError(
                "all workers that searched the store have died; start again, with fewer if memory is short."
            )
        return sorted(self._workers)[task % len(self._workers)]


@contextmanager
def searchers(store: Store, workers: int) -> Iterator[Searchers]:
    """Workers for a store: processes of this machine or, where RAY_ADDRESS names a cluster, of all its machines.

    The folder of the store must have the same path on every machine. A rebuild divides a store into several segments
    if it is larger than `Policy.segment_rows`.

    Raises:
        MissingDependency: Ray is not installed.
        ConfigError: the cluster has fewer cores than there are to be workers, or cannot be reached.
    """
    with cluster() as ray:
        cores = int(ray.cluster_resources().get("CPU", 0))
        if not 0 < workers <= cores:
            raise ConfigError(f"Ray finds {cores} core(s), and {workers} workers are to run; give from 1 to {cores}.")
        actor = ray.remote(num_cpus=1)(Searcher)
        folder = store.folder.absolute()
        yield Searchers(ray, {number: actor.remote(folder, store.dim, store.policy) for number in range(workers)})
