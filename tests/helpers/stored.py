"""Documents with vectors for tests of the store, what a brute-force search finds among them, and a writer to kill."""

from __future__ import annotations

import json
import random
from collections.abc import Collection, Sequence
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np

from kdsl.knowledge.documents import Document
from kdsl.knowledge.store.policy import Policy
from kdsl.knowledge.store.selection import Where
from kdsl.knowledge.store.store import Store

DIM = 16
EMBEDDER = "test 1"
POLICIES = {
    "flat": Policy(),
    "hnsw": Policy(flat_below=20),
    "ivf-sq": Policy(flat_below=20, hnsw_below=21),
    "ivf-pq": Policy(flat_below=256, hnsw_below=256, sq_below=256),
    "three segments": Policy(flat_below=20, segment_rows=200),
}
"""A policy for every kind of segment, at the size of `documents(600)`."""


def documents(n: int, first: int = 0, note: str = "") -> list[Document]:
    """Documents of two tasks and none, three kinds, one of five with a label."""
    return [
        Document(
            id=f"文 {i}",
            kind=("faq", "intention", "product")[i % 3],
            title=f"第 {i} 个问题",
            text=f"答案 {i} {note}",
            task=("intent", "scene", None, "intent")[i % 4],
            label=None if i % 5 else "退款页面",
            source=f"lines {i}",
        )
        for i in range(first, first + n)
    ]


def vectors(of: Sequence[Document]) -> np.ndarray:
    """Unit vectors around ten centres, each drawn by the number in its document's id."""
    drawn = []
    for document in of:
        number = int(document.id.split()[1])
        centre = np.random.default_rng(number % 10).standard_normal(DIM)
        drawn.append(centre + 0.5 * np.random.default_rng(1000 + number).standard_normal(DIM))
    matrix = np.asarray(drawn, np.float32).reshape(len(drawn), DIM)
    return matrix / np.linalg.norm(matrix, axis=1, keepdims=True)


QUERIES = vectors(documents(20, 5000))


def passes(document: Document, where: Where) -> bool:
    """The filter, as a person reads it."""
    return (
        where.task in (None, document.task)
        and (not where.labelled or document.label is not None)
        and (not where.kinds or document.kind in where.kinds)
        and document.id not in where.exclude_ids
    )


def brute_force(query: np.ndarray, among: Sequence[Document], k: int) -> list[tuple[str, float]]:
    """The ids of the nearest documents and their similarities, best first."""
    found = vectors(among).astype(np.float16).astype(np.float32) @ query
    return [(among[i].id, float(found[i])) for i in np.argsort(-found, kind="stable")[:k]]


def search(store: Store, query: np.ndarray, k: int, where: Where) -> list[tuple[str, float]]:
    """What the store finds, in the form of `brute_force`."""
    with store.view() as view:
        rows, found = view.search(query[None], k, where)
        known = rows[0] >= 0
        ids = [document.id for document in view.documents(rows[0][known])]
        return list(zip(ids, found[0][known].tolist(), strict=True))


def write_until_killed(folder: Path, acknowledged: Path, seed: int, ready: Connection) -> None:
    """Add, replace and remove documents and rebuild in the background, for ever; tell of changes before and after."""
    draw = random.Random(seed)
    store = Store.open(folder, EMBEDDER, POLICIES["hnsw"])
    rebuilding = store.rebuild_in_background()
    with acknowledged.open("a", encoding="utf-8") as told:

        def tell(**what: object) -> None:
            told.write(json.dumps(what) + "\n")
            told.flush()

        ready.send(True)
        while True:
            first, n = draw.randrange(300), draw.randrange(1, 40)
            note = str(draw.random())
            if draw.random() < 0.6:
                tell(begun="add", first=first, n=n, note=note)
                store.add(batch := documents(n, first, note), vectors(batch))
            else:
                tell(begun="remove", first=first, n=n)
                store.remove([document.id for document in documents(n, first)])
            tell(done=True)
            if rebuilding.done():
                rebuilding.result()
                rebuilding = store.rebuild_in_background()


def replayed(lines: Collection[str], known: dict[str, str]) -> list[dict[str, str]]:
    """What a store with these documents may hold after what a writer told: with and without the change under way."""
    states = [dict(known)]
    for line in lines:
        what = json.loads(line)
        if "done" in what:
            states = states[-1:]
            continue
        state = dict(states[-1])
        for document in documents(what["n"], what["first"], what.get("note", "")):
            if what["begun"] == "add":
                state[document.id] = document.digest
            else:
                state.pop(document.id, None)
        states.append(state)
    return states
