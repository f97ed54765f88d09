"""Segments searched by Ray workers: what one process finds, also when a worker dies, or a clear error."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import psutil
import pytest
from helpers.stored import DIM, EMBEDDER, QUERIES, documents, vectors

from kdsl.errors import BundleError, ConfigError, KdslError
from kdsl.knowledge.store.policy import Policy
from kdsl.knowledge.store.ray_search import Searcher, Searchers, searchers
from kdsl.knowledge.store.selection import ANY, Where
from kdsl.knowledge.store.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """500 documents in five segments, 100 in the log, some of both removed."""
    with Store.create(tmp_path / "store", DIM, EMBEDDER, Policy(flat_below=20, segment_rows=100)) as store:
        store.add(documents(500), vectors(documents(500)))
        store.rebuild()
        store.add(documents(100, 500), vectors(documents(100, 500)))
        store.remove([document.id for document in documents(150, 400)])
        yield store


def at_work() -> list[psutil.Process]:
    """The workers: Ray names a process after what it is."""
    return [
        process
        for process in psutil.Process().children(recursive=True)
        if process.status() != psutil.STATUS_ZOMBIE and "".join(process.cmdline()).startswith("ray::Searcher")
    ]


def same(store: Store, by: Searchers, where: Where) -> None:
    with store.view() as view:
        expected, found = view.search(QUERIES, 40, where), by.search(view, QUERIES, 40, where)
    np.testing.assert_array_equal(found[0], expected[0])
    np.testing.assert_array_equal(found[1], expected[1])


@pytest.mark.slow
@pytest.mark.skipif(find_spec("ray") is None, reason="pip install 'kdsl[ray]'")
def test_two_workers_find_what_one_process_finds_also_when_one_is_killed(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAY_worker_niceness", "0")
    with searchers(store, 2) as workers:
        for where in (ANY, Where(task="intent", exclude_ids=[documents(1)[0].id]), Where(task="no such task")):
            same(store, workers, where)
        store.add(documents(20, 700), vectors(documents(20, 700)))
        same(store, workers, ANY)

        first, second = at_work()
        first.suspend()  # so that it is asked, and dies before it answers
        with ThreadPoolExecutor(1) as searching:
            asked = searching.submit(same, store, workers, ANY)
            assert not asked.done()
            os.kill(first.pid, signal.SIGKILL)
            asked.result(timeout=120)
        same(store, workers, Where(labelled=True))

        os.kill(second.pid, signal.SIGKILL)
        with pytest.raises(KdslError, match="all workers that searched the store have died"):
            same(store, workers, ANY)
    with pytest.raises(ConfigError, match="1000 workers are to run"), searchers(store, 1000):
        pass


def test_a_segment_that_is_not_on_the_workers_machine_is_an_error(store: Store) -> None:
    worker = Searcher(store.folder, DIM, store.policy)
    with store.view() as view:
        next(store.folder.rglob("vectors.faiss")).unlink()
        answers = [worker.search(entry, QUERIES, 3, allowed) for entry, _, allowed in view.selected(ANY)]
    [error] = [answer for answer in answers if isinstance(answer, BundleError)]
    assert "vectors.faiss is missing on a worker's machine" in str(error)
