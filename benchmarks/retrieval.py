"""A store of millions of vectors: build time, memory, size on disk, latency, recall against exact search.

Run: python benchmarks/retrieval.py draw --to FOLDER [--n 1300000]
     python benchmarks/retrieval.py build --of FOLDER
     python benchmarks/retrieval.py search --of FOLDER
     python benchmarks/retrieval.py kinds --of FOLDER [--size 20000 ...]

`draw` encodes 2,000 sentences of the form of mined intentions (a pair of goods, a relation, a reason; Chinese and
English) and draws n vectors around them: a sentence's vector plus a part, from 0.2 to all, of the difference of two
others', scaled to length 1. So they lie as the encoder's own do, in clusters and along its directions. 500 queries are
drawn in the same way, and their nearest vectors are found by comparing all. `build` adds the vectors to a store, with
one document each, and rebuilds it; `search` opens it in a new process and asks; `kinds` compares the kinds of segment
at some sizes. Each prints one object of JSON. Times are of the wall; `cpu_` stands before processor times.
"""

from __future__ import annotations

import json
import shutil
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import product
from pathlib import Path
from typing import Any

import click
import faiss
import numpy as np

from kdsl.encoders.registry import text_encoder
from kdsl.knowledge.documents import Document
from kdsl.knowledge.store.indexes import PROBES, REFINED
from kdsl.knowledge.store.policy import DEFAULT, Policy
from kdsl.knowledge.store.selection import ANY, Where
from kdsl.knowledge.store.store import Store
from kdsl.knowledge.store.verify import verify

SEED = 14
QUERIES, K = 500, 10
BATCH = 10_000
"""Documents per addition."""
GOODS = (
    *("tent", "sleeping bag", "yoga mat", "phone case", "desk lamp", "rice cooker", "rain coat", "dog leash"),
    *("baby bottle", "running shoes", "electric kettle", "paint brush", "guitar strings", "memory card"),
    *("帐篷", "睡袋", "瑜伽垫", "手机壳", "台灯", "电饭煲", "雨衣", "牵引绳", "奶瓶", "跑鞋", "电水壶", "画笔"),
    *("琴弦", "内存卡", "床垫", "枕头", "剪刀", "行李箱", "望远镜", "保温杯", "键盘", "耳机", "花盆", "鱼缸"),
    *("wall clock", "bread knife"),
)
REASONS = (
    *("they are both used on a camping trip", "they keep a small child safe", "PersonX wants to sleep better"),
    *("PersonX is getting ready for the rainy season", "they belong to the same brand", "they work well together"),
    *("PersonX wants to learn to play music", "they are gifts for a friend who moved house", "they are easy to clean"),
    *("both save space in a small kitchen", "PersonX starts to exercise at home", "they protect what is valuable"),
    *("它们都适合露营时使用", "顾客想让孩子更安全", "顾客希望改善睡眠", "它们可以一起清洗", "顾客准备送给朋友"),
    *("它们属于同一个品牌", "它们都节省空间", "顾客刚搬了新家", "它们能保护贵重物品", "顾客开始在家锻炼"),
    *("它们在雨天有用", "顾客想学一门乐器", "它们价格实惠又耐用"),
)


@click.group(help=__doc__)
def main() -> None:
    """Measure the store."""


_TO = click.option("--to", type=click.Path(path_type=Path), required=True, help="folder for the vectors")
_OF = click.option("--of", type=click.Path(path_type=Path, exists=True), required=True, help="what draw wrote")


@main.command()
@_TO
@click.option("--n", default=1_300_000, show_default=True)
@click.option("--encoder", default="multilingual-e5-small", show_default=True)
def draw(to: Path, n: int, encoder: str) -> None:
    """Draw vectors, and queries with their nearest ones."""
    to.mkdir(parents=True, exist_ok=True)
    sentences = [f"PersonX bought {a} and {b} because {reason}" for a, b, reason in product(GOODS, GOODS, REASONS)]
    chosen = np.random.default_rng(SEED).choice(len(sentences), 2000, replace=False)
    with timed() as took:
        anchors = text_encoder(encoder).encode([sentences[i] for i in chosen])
    queries = drawn(anchors, QUERIES, np.random.default_rng([SEED, 1]))
    nearest = np.full((QUERIES, K), -1)
    best = np.full((QUERIES, K), -np.inf, np.float32)
    with (to / "vectors.f16").open("wb") as file:
        for start in range(0, n, BATCH):
            block = drawn(anchors, min(BATCH, n - start), np.random.default_rng([SEED, 2, start])).astype(np.float16)
            block.tofile(file)
            found = np.hstack([best, queries @ block.astype(np.float32).T])
            rows = np.hstack([nearest, np.tile(np.arange(start, start + len(block)), (QUERIES, 1))])
            top = np.argpartition(-found, K, axis=1)[:, :K]
            best, nearest = np.take_along_axis(found, top, 1), np.take_along_axis(rows, top, 1)
    np.savez(to / "queries.npz", queries=queries, nearest=nearest)
    near = {
        "median_nearest": round(float(np.median(best.max(axis=1))), 3),
        "median_tenth": round(float(np.median(best.min(axis=1))), 3),
    }
    show(n=n, dim=anchors.shape[1], encoder=encoder, **near, encoding=took)


@main.command()
@_OF
@click.option("--sq-below", default=DEFAULT.sq_below, help="with 0: product codes instead of bytes")
def build(of: Path, sq_below: int) -> None:
    """Add all vectors to a store and rebuild it."""
    policy = Policy(sq_below=sq_below)
    queries, vectors = read(of)
    folder = of / "store"
    shutil.rmtree(folder, ignore_errors=True)
    with Store.create(folder, queries["queries"].shape[1], "benchmark", policy) as store:
        with timed() as adding:
            for start in range(0, len(vectors), BATCH):
                block = vectors[start : start + BATCH]
                store.add([document(i) for i in range(start, start + len(block))], block)
        with timed() as rebuilding:
            store.rebuild()
        segments = store.stats()["segments"]
    with timed() as verifying:
        faults = verify(folder)
    files = {path.relative_to(folder).as_posix(): path.stat().st_size for path in folder.rglob("*") if path.is_file()}
    sizes = {name: round(size / 2**20, 1) for name, size in files.items() if size > 2**16}
    show(segments=segments, add=adding, rebuild=rebuilding, verify=verifying, faults=faults, mib=sizes, **memory())


@main.command()
@_OF
@click.option("--probes", type=int, help="inverted lists that a search visits")
@click.option("--refined", type=int, help="candidates per result that are ordered again")
def search(of: Path, probes: int | None, refined: int | None) -> None:
    """Ask a store that was built before."""
    queries, _ = read(of)
    with timed() as opening:
        store = Store.open(of / "store")
    before = memory()
    for kind in PROBES:
        PROBES[kind], REFINED[kind] = probes or PROBES[kind], refined or REFINED[kind]
    exact = Store.open(of / "store", policy=Policy(flat_below=1 << 62))
    figures = {}
    for name, where in {
        "all": ANY,
        "again": ANY,
        "one in ten": Where(task="intent"),
        "one in a thousand": Where(labelled=True),
        "without ten ids": Where(exclude_ids=[f"intention {i}" for i in range(10)]),
    }.items():
        nearest = queries["nearest"]
        if where != ANY:
            with exact.view() as view:
                nearest, _ = view.search(queries["queries"], K, where)
        figures[name] = asked(store, queries["queries"], nearest, where)
        if name == "one in ten":
            figures[f"{name}, all compared"] = asked(exact, queries["queries"], nearest, where)
    show(open=opening, memory_before=before, queries=figures, memory_after=memory())


@main.command()
@_OF
@click.option("--size", "sizes", type=int, multiple=True, default=(5_000, 20_000, 50_000, 200_000), show_default=True)
def kinds(of: Path, sizes: tuple[int, ...]) -> None:
    """Compare the kinds of segment at some sizes."""
    queries, vectors = read(of)
    found = []
    for n in sizes:
        part = vectors[:n].astype(np.float32)
        exact = np.argsort(-(queries["queries"] @ part.T), axis=1, kind="stable")[:, :K]
        for kind, policy in {
            "flat": Policy(flat_below=n + 1),
            "hnsw": Policy(flat_below=0, hnsw_below=n + 1),
            "ivf-sq": Policy(flat_below=0, hnsw_below=0, sq_below=n + 1),
            "ivf-pq": Policy(flat_below=0, hnsw_below=0, sq_below=0),
        }.items():
            with Store.temporary(part.shape[1], "benchmark", policy) as store:
                store.add([document(i) for i in range(n)], part)
                with timed() as building:
                    store.rebuild()
                figures = asked(store, queries["queries"], exact, ANY)
            found.append({"n": n, "kind": kind, "build": building, **figures})
    show(kinds=found)


def drawn(anchors: np.ndarray, n: int, rng: np.random.Generator) -> np.ndarray:
    """Unit vectors [n, dim] around anchors, along differences of anchors."""
    at, to, off = rng.integers(len(anchors), size=(3, n))
    vectors = anchors[at] + rng.uniform(0.2, 1, (n, 1)).astype(np.float32) * (anchors[to] - anchors[off])
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def document(number: int) -> Document:
    """One document per vector; one of ten has a task, one of a thousand a label."""
    text = f"PersonX bought {GOODS[number % len(GOODS)]} because {REASONS[number % len(REASONS)]}"
    task = "intent" if number % 10 == 0 else None
    label = "是否会生锈" if number % 1000 == 0 else None
    return Document(f"intention {number}", "intention", "", text, task, label, "en", f"pair {number}")


def asked(store: Store, queries: np.ndarray, nearest: np.ndarray, where: Where) -> dict[str, float]:
    """Milliseconds of one query at a time, and the share of the nearest that were found."""
    wall, cpu, right = [], [], 0
    for query, expected in zip(queries, nearest, strict=True):
        start, used = time.perf_counter(), time.process_time()
        with store.view() as view:
            rows, _ = view.search(query[None], K, where)
        wall.append(1000 * (time.perf_counter() - start))
        cpu.append(1000 * (time.process_time() - used))
        right += len(np.intersect1d(rows, expected))
    figures = {"recall": round(right / nearest.size, 4), "first_ms": round(wall[0], 1)}
    for name, times in (("", wall), ("cpu_", cpu)):
        figures[f"{name}median_ms"] = round(statistics.median(times), 2)
        figures[f"{name}p99_ms"] = round(float(np.percentile(times, 99)), 2)
    return figures


def read(folder: Path) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """What `draw` wrote: queries with their nearest vectors, and the vectors by memory map."""
    with np.load(folder / "queries.npz") as found:
        queries = dict(found)
    return queries, np.memmap(folder / "vectors.f16", np.float16, "r").reshape(-1, queries["queries"].shape[1])


@contextmanager
def timed() -> Iterator[dict[str, float]]:
    """Seconds that the block takes."""
    took: dict[str, float] = {}
    start, used = time.perf_counter(), time.process_time()
    yield took
    took |= {"s": round(time.perf_counter() - start, 3), "cpu_s": round(time.process_time() - used, 3)}


def memory() -> dict[str, float]:
    """MiB: the most that was resident; of what is, the process's own and pages of mapped files."""
    lines = dict(line.split(":") for line in Path("/proc/self/status").read_text("utf-8").splitlines())
    names = {"peak_mib": "VmHWM", "own_mib": "RssAnon", "mapped_mib": "RssFile"}
    return {name: round(int(lines[key].split()[0]) / 1024, 1) for name, key in names.items()}


def show(**figures: Any) -> None:
    """Print one object of JSON, with what it was measured on."""
    click.echo(json.dumps({**figures, "threads": faiss.omp_get_max_threads(), "faiss": faiss.__version__}, indent=1))


if __name__ == "__main__":
    main()
