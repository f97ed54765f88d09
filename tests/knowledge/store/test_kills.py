"""A store whose writer is killed, that is read while it is written, or whose files are damaged."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from helpers.stored import DIM, EMBEDDER, POLICIES, QUERIES, documents, replayed, vectors, write_until_killed

from kdsl.errors import BundleError, InputError
from kdsl.knowledge.store.policy import Policy
from kdsl.knowledge.store.store import Store
from kdsl.knowledge.store.verify import verify

KILLS = 20


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A store of 300 documents in two segments, one of them removed, and a log."""
    policy = Policy(flat_below=20, segment_rows=100)
    with Store.create(tmp_path / "store", DIM, EMBEDDER, policy) as store:
        store.add(documents(200), vectors(documents(200)))
        store.rebuild()
        store.add(documents(100, 200), vectors(documents(100, 200)))
        store.remove([documents(1)[0].id])
    return tmp_path / "store"


def test_a_writer_killed_at_any_moment_loses_nothing_and_doubles_nothing(tmp_path: Path) -> None:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["helpers.stored"])
    moment = random.Random(14)
    folder, acknowledged = tmp_path / "store", tmp_path / "acknowledged.jsonl"
    Store.create(folder, DIM, EMBEDDER).close()
    known: dict[str, str] = {}
    changes = 0
    for seed in range(KILLS):
        acknowledged.write_text("", "utf-8")
        ours, theirs = context.Pipe()
        writer = context.Process(target=write_until_killed, args=(folder, acknowledged, seed, theirs))
        writer.start()
        assert ours.recv()
        told = moment.randrange(12)
        while len(acknowledged.read_bytes().splitlines()) < told:
            assert writer.is_alive()
            time.sleep(0.001)
        time.sleep(moment.uniform(0, 0.02))
        assert writer.pid
        os.kill(writer.pid, signal.SIGKILL)
        writer.join()
        lines = acknowledged.read_text("utf-8").splitlines()
        with Store.open(folder, EMBEDDER) as store:
            assert verify(folder) == []
            with store.view() as view:
                found = view.known()
                assert found in replayed(lines, known)
                rows, _ = view.search(QUERIES[:1], 400)
                ids = [document.id for document in view.documents(rows[0][rows[0] >= 0])]
        assert sorted(ids) == sorted(found)
        known = found
        changes += len(lines) // 2
    assert changes > KILLS  # by the numbers drawn; more, where the machine is fast


def test_readers_see_whole_changes_while_a_writer_works(folder: Path) -> None:
    """The writer replaces all documents at once, again and again: a reader that sees two notes has seen a part."""
    faults: list[object] = []
    seen: set[str] = set()
    done = threading.Event()

    def read() -> None:
        try:
            with Store.open(folder, EMBEDDER, POLICIES["hnsw"]) as store:
                while not done.is_set():
                    with store.view() as view:
                        rows, _ = view.search(QUERIES[:2], 60)
                        notes = {document.text.split()[2] for document in view.documents(rows.ravel())}
                    assert len(notes) == 1
                    seen.update(notes)
        except BaseException as error:
            faults.append(error)

    with Store.open(folder, EMBEDDER, POLICIES["hnsw"]) as store:
        store.remove([document.id for document in documents(300)])
        store.add(documents(60, note="0"), vectors(documents(60)))
        readers = [threading.Thread(target=read) for _ in range(2)]
        for reader in readers:
            reader.start()
        for number in range(1, 25):
            store.add(documents(60, note=str(number)), vectors(documents(60)))
            if number % 4 == 0:
                store.rebuild_in_background().result()
        done.set()
        for reader in readers:
            reader.join()
    assert faults == []
    assert len(seen) > 1


def test_writers_wait_for_each_other_and_two_rebuilds_do_not_run_at_once(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from kdsl.knowledge.store import catalog, rebuild

    with Store.open(folder) as one, Store.open(folder) as other:
        adding = [
            threading.Thread(target=store.add, args=(batch, vectors(batch)))
            for store, batch in zip((one, other) * 5, [documents(5, 300 + 5 * i) for i in range(10)], strict=True)
        ]
        for thread in adding:
            thread.start()
        for thread in adding:
            thread.join()
        assert one.stats()["documents"] == 349

        write = rebuild.write_segment

        def while_another_rebuilds(*arguments: object) -> object:
            with pytest.raises(InputError, match="another kdsl command is writing there"):
                other.rebuild()
            return write(*arguments)  # type: ignore[arg-type]

        monkeypatch.setattr(rebuild, "write_segment", while_another_rebuilds)
        one.rebuild()
        monkeypatch.setattr(catalog, "PATIENCE", 0.05)
        with one._writing(), Store.open(folder) as late, pytest.raises(InputError, match="another process is writing"):
            late.remove([documents(2)[1].id])


def shorter(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-40])


def altered(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 255
    path.write_bytes(content)


@pytest.mark.parametrize("damage", [Path.unlink, shorter, altered])
@pytest.mark.parametrize("name", ["log-000001", "rows.npy", "vectors.faiss", "index.faiss"])
def test_every_damaged_file_is_named(folder: Path, name: str, damage: Callable[[Path], None]) -> None:
    path = next(folder.rglob(name))
    damage(path)
    [fault] = verify(folder)
    assert path.relative_to(folder).as_posix() in fault
    if damage is not altered:
        with pytest.raises(BundleError, match=f"{path.parent.name}.*The store is damaged"):
            Store.open(folder)


def test_documents_that_do_not_match_their_vectors_are_told(folder: Path) -> None:
    with closing(sqlite3.connect(folder / "store.sqlite")) as db:
        db.execute("DELETE FROM documents WHERE id = '文 7'")
        db.execute("UPDATE documents SET text = '别的' WHERE id = '文 8'")
        db.commit()
    faults = verify(folder)
    assert [fault for fault in faults if "without a document" in fault and "row 7" in fault]
    assert [fault for fault in faults if "'文 8'" in fault and "digest" in fault]
    assert len(faults) == 2


def test_a_damaged_catalog_is_refused(folder: Path) -> None:
    catalog = folder / "store.sqlite"
    catalog.write_bytes(b"no catalog" * 1000)
    with pytest.raises(BundleError, match="is damaged"):
        Store.open(folder)
    catalog.write_bytes(b"")
    with pytest.raises(BundleError, match="holds nothing of a store"):
        Store.open(folder)
    catalog.unlink()
    with pytest.raises(BundleError, match="is not a store"):
        Store.open(folder)


def test_a_catalog_of_another_schema_is_refused(folder: Path) -> None:
    with closing(sqlite3.connect(folder / "store.sqlite")) as db:
        db.execute("UPDATE store SET schema = 99")
        db.commit()
    with pytest.raises(BundleError, match="schema 99, this kdsl reads 1"):
        Store.open(folder)
