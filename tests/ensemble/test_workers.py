"""Many processes say what one says, in the same order, whatever becomes of one of them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from helpers.fragile_workers import FATAL, ONCE, start_fragile, start_never
from helpers.light_shop import asked, copied

from kdsl.data.sample import Sample
from kdsl.ensemble import workers
from kdsl.ensemble.blocks import Answer, Blocks, Job, in_this_process
from kdsl.ensemble.bundle import open_bundle
from kdsl.ensemble.predictor import Predictor
from kdsl.ensemble.workers import FEW, Workers, in_processes
from kdsl.errors import BundleError, KdslError


def samples(count: int) -> list[Sample]:
    rows = [asked(number) for number in range(count)]
    return [replace(Sample.dialogue([row["text"]], id=row["id"]), task="task") for row in rows]


def blocks(found: list[Sample], size: int = 5) -> Blocks:
    return (found[start : start + size] for start in range(0, len(found), size))


@pytest.fixture
def job(fitted: Path) -> Job:
    bundle = open_bundle(fitted)
    return Job(bundle, Path(), None)


def test_processes_answer_as_one_does_and_take_few_blocks_ahead(job: Job) -> None:
    asked_for = [replace(sample, task=job.bundle.tasks[0].name) for sample in samples(60)]
    taken = 0

    def counted() -> Iterator[list[Sample]]:
        nonlocal taken
        for block in blocks(asked_for):
            taken += 1
            yield block

    alone = list(in_this_process(lambda: Predictor(job.bundle))(job, blocks(asked_for)))
    found = []
    for number, answer in enumerate(Workers(2)(job, counted())):
        assert taken <= number // 5 + 1 + 2 * workers.AHEAD
        found.append(answer)
    for one, other in zip(found, alone, strict=True):
        line, expected = json.loads(one.text), json.loads(other.text)
        assert (line["id"], line["label"], line["content"]) == (expected["id"], expected["label"], expected["content"])
        assert line["distribution"] == pytest.approx(expected["distribution"], abs=1e-4)


def test_a_sample_that_kills_its_process_costs_itself_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "_start", start_fragile)
    asked_for = samples(8)
    asked_for[5] = replace(asked_for[5], id=ONCE)
    pool = workers._Pool(SimpleNamespace(folder=tmp_path, cores=1), 2)  # type: ignore[arg-type]
    found = list(pool.run(blocks(asked_for, 2)))
    pool.close()
    assert [answer.failed for answer in found] == [sample.id == FATAL for sample in asked_for]
    assert [answer.text for answer in found if not answer.failed] == [s.id for s in asked_for if s.id != FATAL]
    assert "the process that predicted this sample ended" in found[3].text


def test_processes_that_end_before_they_predict_end_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "_start", start_never)
    pool = workers._Pool(SimpleNamespace(folder=tmp_path, cores=1), 2)  # type: ignore[arg-type]
    with pytest.raises(KdslError, match="with fewer `workers`"):
        list(pool.run(blocks(samples(2))))
    pool.close()


def test_a_bundle_that_changes_under_the_processes_says_nothing_more(fitted: Path, tmp_path: Path) -> None:
    """Never a label of a broken bundle, nor one of another bundle than the command has opened."""
    bundle = open_bundle(copied(fitted, tmp_path / "shop"))
    manifest = json.loads((bundle.folder / "manifest.json").read_text("utf-8"))
    (bundle.folder / "manifest.json").write_text(json.dumps(manifest | {"id": "feedfacefeedface"}), "utf-8")
    with pytest.raises(BundleError, match="was fitted again while it was predicted with"):
        list(Workers(1)(Job(bundle, Path(), None), blocks(samples(5))))


def test_few_samples_start_no_process(job: Job) -> None:
    def here(_: Job, given: Blocks) -> Iterator[Answer]:
        return (Answer(sample.id) for block in given for sample in block)

    few = samples(5 * (FEW - 1))
    assert [answer.text for answer in in_processes(job.bundle, None, here)(job, blocks(few))] == [s.id for s in few]
    many = samples(5 * FEW)
    assert [answer.text for answer in in_processes(job.bundle, 1, here)(job, blocks(many))] == [s.id for s in many]
