"""Mining end to end with a tiny real model: what is asked, what fails alone, what a further run asks again."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from helpers.model_servers import model_server
from helpers.tiny_catalogue import PAIRS, RELATIONS, Catalogue, mined_by_server, taught_folder, tiny_catalogue

from kdsl.config import ModelConfig
from kdsl.errors import BundleError
from kdsl.intentions import rules
from kdsl.intentions.backends.base import BackendError, Failure, Request, Scores, Written
from kdsl.intentions.backends.local import LocalBackend
from kdsl.intentions.log import RowLog
from kdsl.intentions.mine import mine, open_backend
from kdsl.knowledge.base import KnowledgeBase
from kdsl.knowledge.store.selection import Where

TESTS = Path(__file__).parents[1]


class Counting(LocalBackend):
    """A local backend that remembers what it was asked."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__(config, batch_size=3, max_pixels=3136)
        self.wrote: list[Request] = []
        self.weighed: list[Request] = []

    def write(self, requests: Iterable[Request], max_tokens: int) -> Iterator[tuple[int, Written | Failure]]:
        return super().write(_noted(requests, self.wrote), max_tokens)

    def score(self, requests: Iterable[Request]) -> Iterator[tuple[int, Scores | Failure]]:
        return super().score(_noted(requests, self.weighed))


def _noted(requests: Iterable[Request], into: list[Request]) -> Iterator[Request]:
    for request in requests:
        into.append(request)
        yield request


def rows(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text("utf-8").splitlines()]


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory: pytest.TempPathFactory) -> Catalogue:
    return tiny_catalogue(tmp_path_factory.mktemp("shop"))


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> ModelConfig:
    return ModelConfig(source=str(taught_folder(tmp_path_factory.mktemp("taught"))), device="cpu")


@pytest.fixture
def backend(base: ModelConfig, monkeypatch: pytest.MonkeyPatch) -> Counting:
    monkeypatch.setattr(rules, "COMMON_PAIRS", 100)  # a tiny model says the same of many pairs
    return Counting(base)


def run(catalogue: Catalogue, backend: Counting, base: ModelConfig, out: Path, pairs: Path | None = None) -> Path:
    settings = catalogue.settings(base)
    return mine(backend, [catalogue.products], pairs or catalogue.pairs, catalogue.images, out, settings)


def test_three_stages(
    catalogue: Catalogue,
    backend: Counting,
    base: ModelConfig,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    out = tmp_path / "mined"
    report = run(catalogue, backend, base, out)
    assert "1 of 8 products have no picture" in caplog.text
    assert "features: 1 of 8 failed" in caplog.text
    assert "intentions: 2 of 10 failed" in caplog.text

    features = {row["key"][0]: row for row in rows(out / "features.jsonl")}
    assert set(features) == {"p1", "p2", "p3", "p4", "p5", "p6", "p7", "p8"}
    assert "damaged" in features["p8"]["failed"]
    assert "failed" not in features["p5"]  # without a picture

    intentions = {tuple(row["key"]): row for row in rows(out / "intentions.jsonl")}
    assert len(intentions) == len(rows(out / "intentions.jsonl")) == len(PAIRS) * len(RELATIONS)
    assert {key for key, row in intentions.items() if "failed" in row} == {("p1", "p8", name) for name in RELATIONS}
    assert all("p8" in row["failed"] for row in intentions.values() if "failed" in row)

    candidates = rows(out / "candidates.jsonl")
    assert len(candidates) == len(intentions)
    wordings = {name: f"顾客同时购买这两件商品，{wording['zh']}" for name, wording in RELATIONS.items()}
    assert all(c["text"].startswith(wordings[c["relation"]]) for c in candidates if c["dropped"] != "no answer")

    passed = [c for c in candidates if c["dropped"] is None]
    assert {tuple(row["key"]) for row in rows(out / "verdicts.jsonl")} == {
        (c["a"], c["b"], c["relation"]) for c in passed
    }
    documents = rows(out / "documents.jsonl")
    assert len(documents) == len(passed) > 0
    assert all(d["kind"] == "intention" and d["language"] == "zh" for d in documents)
    ids = [f"intention/{c['a']}/{c['b']}/{c['relation']}" for c in passed]
    assert [d["id"] for d in documents] == ids
    shop = KnowledgeBase.at(tmp_path / "base")
    assert shop.add_files([out / "documents.jsonl"]).new == len(ids)
    hits = shop.search("锅", 20, Where(kinds=("intention",)))
    assert {hit.document.id for hit in hits} == set(ids)

    body = json.loads((out / "report.json").read_text("utf-8"))
    assert body["retention"][-1]["left"] == len(documents)
    assert body["retention"][0] == {"filter": "no answer", "dropped": 2, "left": 8, "share": 0.8}
    assert body["tokens"]["intentions"]["answers"] == 8
    assert body["tokens"]["intentions"]["written"] == sum(row.get("written", 0) for row in intentions.values())
    assert "no answer" in report.read_text("utf-8")
    assert (out / "manifest.json").is_file()


def test_what_is_asked(catalogue: Catalogue, backend: Counting, base: ModelConfig, tmp_path: Path) -> None:
    run(catalogue, backend, base, tmp_path / "mined")
    about = [request for request in backend.wrote if request.opening]
    both = next(r for r in about if "不锈钢汤锅" in r.text)
    assert both.picture is not None
    one = next(r for r in backend.wrote if "玻璃锅盖" in r.text and not r.opening)
    assert one.picture is not None
    assert both.picture.height == one.picture.height * 2 + 20  # drawn pictures are of one size
    assert both.picture.getpixel((5, one.picture.height + 10)) == (0, 0, 0)
    assert "上图是商品A" in both.text
    assert "图中是商品B" in next(r.text for r in about if "抹茶粉" in r.text)  # A has no picture
    assert all(r.answers == ("是", "否") for r in backend.weighed)


def test_a_further_run_asks_for_what_failed_or_is_new(
    catalogue: Catalogue, backend: Counting, base: ModelConfig, tmp_path: Path
) -> None:
    out = tmp_path / "mined"
    fewer = tmp_path / "fewer.csv"
    fewer.write_text("a,b\np1,p2\np4,p3\n", "utf-8")
    run(catalogue, backend, base, out, fewer)
    first = {name: (out / name).read_bytes() for name in ("intentions.jsonl", "documents.jsonl", "report.md")}
    asked = len(backend.wrote)
    assert asked == 4 + 4
    run(catalogue, backend, base, out, fewer)
    assert len(backend.wrote) == asked
    assert first == {name: (out / name).read_bytes() for name in first}
    run(catalogue, backend, base, out)
    assert len(backend.wrote) == asked + 3 + 4  # p5, p6, p7 and two pairs; p8 cannot be shown
    assert len(rows(out / "intentions.jsonl")) == 10


def test_a_run_without_any_answer_is_an_error(
    catalogue: Catalogue, backend: Counting, base: ModelConfig, tmp_path: Path
) -> None:
    only = tmp_path / "only.csv"
    only.write_text("a,b\np1,p8\n", "utf-8")  # the picture of p8 is damaged
    with pytest.raises(BackendError, match=r"no intention was written: .*intentions.jsonl says why"):
        run(catalogue, backend, base, tmp_path / "mined", only)
    assert {"p8"} == {row["key"][0] for row in rows(tmp_path / "mined" / "features.jsonl") if "failed" in row}


def test_a_product_that_changed_is_asked_about_again(
    catalogue: Catalogue, backend: Counting, base: ModelConfig, tmp_path: Path
) -> None:
    out = tmp_path / "mined"
    run(catalogue, backend, base, out)
    asked = len(backend.wrote)
    changed = tmp_path / "products.jsonl"
    changed.write_text(catalogue.products.read_text("utf-8").replace("茶筅 竹制", "茶筅 紫竹制"), "utf-8")
    mine(backend, [changed], catalogue.pairs, catalogue.images, out, catalogue.settings(base))
    assert len(backend.wrote) == asked + 1 + 2
    latest = [d for d in rows(out / "documents.jsonl") if "/p5/p6/" in d["id"]]
    assert all("紫竹制" in d["text"] for d in latest)


def test_another_model_does_not_continue(
    catalogue: Catalogue,
    backend: Counting,
    base: ModelConfig,
    base_of: Callable[..., ModelConfig],
    tmp_path: Path,
) -> None:
    run(catalogue, backend, base, tmp_path / "mined")
    other = base_of("qwen2_vl")
    with pytest.raises(BundleError, match="model"):
        run(catalogue, Counting(other), other, tmp_path / "mined")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are forked, so that twenty of them are quick")
@pytest.mark.parametrize(("asked", "seeds"), [("local", 20), ("server", 5)])
def test_kills_at_any_moment_lose_and_double_nothing(
    catalogue: Catalogue, backend: Counting, base: ModelConfig, tmp_path: Path, asked: str, seeds: int
) -> None:
    undisturbed, out = tmp_path / "undisturbed", tmp_path / "killed"
    settings = catalogue.settings(base)
    with model_server(Path(base.source)) if asked == "server" else nullcontext() as url:
        if url:
            settings = mined_by_server(settings, url)
        mine(open_backend(settings), [catalogue.products], catalogue.pairs, catalogue.images, undisturbed, settings)
        shop = str(catalogue.products.parent)
        command = [sys.executable, "-m", "helpers.killed_mining", base.source, shop, str(out), str(seeds)]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(TESTS), str(TESTS.parent)])}
        done = subprocess.run(
            [*command, url] if url else command, capture_output=True, text=True, env=environment, check=False
        )
    assert done.returncode == 0, done.stderr
    killed = json.loads(done.stdout)
    assert sum(killed.values()) == seeds
    assert asked == "server" or {"features", "intentions", "verdicts"} <= set(killed)
    for stage in ("features", "intentions", "verdicts"):
        ours, theirs = (RowLog(folder / f"{stage}.jsonl") for folder in (out, undisturbed))
        with ours, theirs:
            good = [tuple(row["key"]) for row in rows(out / f"{stage}.jsonl") if "failed" not in row]
            assert len(good) == len(set(good))
            assert ours._places.keys() == theirs._places.keys()
            for key in good:
                row, other = ours.get(key), theirs.get(key)
                assert row is not None
                assert other is not None
                # a batch of other requests may change the last bits
                assert row.pop("log_probs", None) == pytest.approx(other.pop("log_probs", None), abs=1e-4)
                assert row == other
    for name in ("candidates.jsonl", "documents.jsonl"):
        assert (out / name).read_bytes() == (undisturbed / name).read_bytes()
    assert (
        json.loads((out / "report.json").read_text("utf-8"))["retention"]
        == (json.loads((undisturbed / "report.json").read_text("utf-8"))["retention"])
    )
