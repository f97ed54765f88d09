"""observe: pictures are read once, over processes, kept in the cache, and faults name their sample."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest
from helpers.drawn_pictures import draw_screen
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from PIL import Image

from kdsl.config import EvidenceConfig
from kdsl.data.sample import Sample
from kdsl.errors import InputError, MissingDependency
from kdsl.evidence.observe import POOL_FROM, load_evidence, observe
from kdsl.tasks import Task

CONFIG = EvidenceConfig(max_side=960)
Make = Callable[..., Sample]


@pytest.fixture(scope="module")
def warm(pictures: Path, tmp_path_factory: pytest.TempPathFactory, sample_of: Make) -> Path:
    """A cache that knows the drawn pictures."""
    cache = tmp_path_factory.mktemp("warm")
    observe([sample_of("a", "screen.png", "popup.png", "photo.jpg")], pictures, CONFIG, cache=cache)
    return cache


def entries(cache: Path) -> list[Path]:
    return sorted(path for path in cache.rglob("*") if path.is_file())


def test_evidence_holds_text_in_order_and_facts(pictures: Path, warm: Path, sample_of: Make) -> None:
    samples = [sample_of("a", "screen.png", "photo.jpg"), sample_of("b", "popup.png"), sample_of("c")]
    first, second, third = observe(samples, pictures, CONFIG, cache=warm)
    assert [e.sample.id for e in (first, second, third)] == ["a", "b", "c"]
    text = first.pictures[0].text.replace(" ", "")
    assert text.index("09:41") < text.index("我的订单") < text.index("立即购买")
    assert first.pictures[0].facts.kind == "screenshot"
    assert first.pictures[1].facts.kind == "photo"
    assert (first.pictures[0].width, first.pictures[0].height) == (540, 1170)
    assert second.pictures[0].facts.overlay
    assert third.pictures == ()


def test_a_warm_cache_needs_no_backend(
    pictures: Path, warm: Path, sample_of: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rapidocr.RapidOCR", None)
    before = entries(warm)
    evidence = observe([sample_of("a", "screen.png")], pictures, CONFIG, cache=warm)
    assert "我的订单" in evidence[0].ocr_text
    assert entries(warm) == before


def test_a_copy_under_another_name_is_known(pictures: Path, warm: Path, sample_of: Make, tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    shutil.copy(pictures / "screen.png", tmp_path / "sub" / "copy.png")
    before = entries(warm)
    evidence = observe([sample_of("a", "sub/copy.png")], tmp_path, CONFIG, cache=warm)
    assert evidence[0].pictures[0].name == "sub/copy.png"
    assert "我的订单" in evidence[0].ocr_text
    assert entries(warm) == before


def test_the_score_threshold_applies_to_what_is_cached(pictures: Path, warm: Path, sample_of: Make) -> None:
    def shown(min_score: float) -> list[float]:
        config = CONFIG.model_copy(update={"min_score": min_score})
        evidence = observe([sample_of("a", "screen.png", "popup.png")], pictures, config, cache=warm)[0]
        return sorted(line.score for picture in evidence.pictures for line in picture.lines)

    all_scores = shown(0.0)
    middle = all_scores[len(all_scores) // 2]
    assert all_scores[0] < middle
    assert shown(middle) == [score for score in all_scores if score >= middle]


def test_damaged_entries_are_read_anew(pictures: Path, warm: Path, sample_of: Make, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    shutil.copytree(warm, cache)
    for content in ('["half', '{"colours": 3}', "[[1]]"):
        for path in entries(cache):
            path.write_text(content)
        evidence = observe([sample_of("a", "screen.png")], pictures, CONFIG, cache=cache)
        assert "我的订单" in evidence[0].ocr_text


def test_given_text_wins_and_other_pictures_are_read(
    pictures: Path, warm: Path, sample_of: Make, tmp_path: Path
) -> None:
    given = tmp_path / "ocr.jsonl"
    line = {"text": "别处读到的", "score": 0.99, "box": [10, 10, 100, 30]}
    given.write_text(json.dumps({"image": "screen.png", "width": 540, "height": 1170, "lines": [line]}), "utf-8")
    samples = [sample_of("a", "screen.png"), sample_of("b", "popup.png")]
    first, second = observe(samples, pictures, CONFIG, given, warm)
    assert first.ocr_text == "别处读到的"
    assert "稍后再试" in second.ocr_text


def test_of_endless_given_text_the_beginning_is_read_and_that_is_said(
    pictures: Path, warm: Path, sample_of: Make, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    given = tmp_path / "ocr.jsonl"
    lines = [{"text": "字" * 15_000, "score": 1.0, "box": [0, top, 500, top + 20]} for top in (0, 100, 200)]
    given.write_text(json.dumps({"image": "screen.png", "width": 540, "height": 1170, "lines": lines}), "utf-8")
    evidence = observe([sample_of("a", "screen.png")], pictures, CONFIG, given, warm)
    assert [len(line.text) for line in evidence[0].pictures[0].lines] == [15_000, 5_000]
    assert "'screen.png' has more text than 20,000 characters" in caplog.text


def test_with_all_text_given_no_ocr_backend_is_needed(pictures: Path, sample_of: Make, tmp_path: Path) -> None:
    given = tmp_path / "ocr.jsonl"
    given.write_text(json.dumps({"image": "screen.png", "lines": []}), "utf-8")
    paddle = EvidenceConfig(ocr="paddleocr")
    cache = tmp_path / "cache"
    evidence = observe([sample_of("a", "screen.png")], pictures, paddle, given, cache)
    assert evidence[0].pictures[0].facts.kind == "screenshot"
    try:
        import paddleocr  # noqa: F401
    except ImportError:
        with pytest.raises(MissingDependency):
            observe([sample_of("a", "photo.jpg")], pictures, paddle, given, cache)


def test_faults_are_collected_and_the_rest_goes_on(pictures: Path, warm: Path, sample_of: Make, tmp_path: Path) -> None:
    shutil.copy(pictures / "screen.png", tmp_path / "good.png")
    (tmp_path / "broken.jpg").write_bytes((pictures / "photo.jpg").read_bytes()[:3000])
    (tmp_path / "text.png").write_text("no picture")
    for name in ("empty.png", "hollow.png"):
        (tmp_path / name).write_bytes(b"")
    samples = [
        sample_of("hollow", "hollow.png"),
        sample_of("empty", "empty.png"),
        sample_of("broken", "broken.jpg"),
        sample_of("missing", "none.jpg", "text.png"),
        sample_of("good", "good.png"),
        sample_of("outside", "../secret.png"),
    ]
    evidences, faults = observe(samples, tmp_path, CONFIG, cache=warm, on_error="collect")
    assert [e.sample.id for e in evidences] == ["good"]
    told = dict(faults)
    assert list(told) == ["hollow", "empty", "broken", "missing", "outside"]
    assert "hollow.png" in told["hollow"]
    assert "empty.png" in told["empty"]
    assert "broken.jpg" in told["broken"]
    assert "none.jpg" in told["missing"]
    assert "text.png" in told["missing"]
    assert "'..'" in told["outside"]
    with pytest.raises(InputError, match="5 sample") as error:
        observe(samples, tmp_path, CONFIG, cache=warm)
    assert "broken.jpg" in str(error.value)


def encoded(format: str, exif: bytes = b"") -> bytes:
    """A small drawn screen as a file of a format."""
    file = BytesIO()
    draw_screen(("10:00", "首页"), (60, 90)).save(file, format, exif=exif)
    return file.getvalue()


BAD_EXIF = b"Exif\0\0neither byte order of a TIFF"
WHOLE = [encoded("PNG"), encoded("JPEG"), encoded("WEBP"), *(encoded(f, BAD_EXIF) for f in ("PNG", "JPEG", "WEBP"))]


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A picture's file with bytes changed, cut off or put in."""
    data = bytearray(draw(st.sampled_from(WHOLE)))
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(data)))
        data[at : at + draw(st.integers(0, 8))] = draw(st.binary(max_size=8))
    return bytes(data[: draw(st.integers(0, len(data)))] if draw(st.booleans()) else data)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=damaged() | st.binary(max_size=200))
@example(content=WHOLE[3])
@example(content=WHOLE[4])
@example(content=WHOLE[5])
def test_every_sample_has_evidence_or_a_fault_whatever_one_picture_holds(
    content: bytes, pictures: Path, sample_of: Make, tmp_path: Path
) -> None:
    (tmp_path / "odd").write_bytes(content)
    shutil.copy(pictures / "screen.png", tmp_path / "good.png")
    given_text = tmp_path / "ocr.jsonl"
    given_text.write_text("".join(json.dumps({"image": name, "lines": []}) + "\n" for name in ("odd", "good.png")))
    samples = [sample_of("odd", "odd"), sample_of("good", "good.png"), sample_of("both", "good.png", "odd")]
    evidences, faults = observe(
        samples, tmp_path, CONFIG, given_text, tmp_path / "cache", on_error="collect", workers=1
    )
    seen, missed = [e.sample.id for e in evidences], [id for id, _ in faults]
    assert sorted(seen + missed) == ["both", "good", "odd"]
    assert "good" in seen
    assert ("odd" in seen) == ("both" in seen)


def test_what_libraries_raise_becomes_the_fault_of_the_sample(pictures: Path, sample_of: Make, tmp_path: Path) -> None:
    shutil.copy(pictures / "screen.png", tmp_path / "good.png")
    Image.new("LAB", (40, 40)).save(tmp_path / "lab.tif")
    Image.new("RGB", (4000, 5)).save(tmp_path / "strip.png")
    samples = [sample_of(name, name) for name in ("lab.tif", "strip.png", "good.png")]
    evidences, faults = observe(samples, tmp_path, CONFIG, cache=tmp_path / "cache", on_error="collect", workers=1)
    told = dict(faults)
    assert "good.png" in [e.sample.id for e in evidences]
    assert {e.sample.id for e in evidences} | told.keys() == {"lab.tif", "strip.png", "good.png"}
    for name, message in told.items():
        assert message.startswith(f"picture '{name}'")
        assert "()" not in message


def test_worker_processes_read_what_one_process_reads(sample_of: Make, tmp_path: Path) -> None:
    names = []
    for number in range(POOL_FROM):
        names.append(f"{number}.png")
        draw_screen(("10:00", f"第{number}页"), (300, 240)).save(tmp_path / names[-1])
    (tmp_path / "bad.png").write_bytes(b"\x89PNG cut off")
    samples = [sample_of(name, name) for name in (*names, "bad.png")]
    config = EvidenceConfig(max_side=480)
    many, faults = observe(samples, tmp_path, config, cache=tmp_path / "c1", on_error="collect", workers=2)
    alone, _ = observe(samples, tmp_path, config, cache=tmp_path / "c2", on_error="collect", workers=1)
    assert [e.ocr_text for e in many] == [e.ocr_text for e in alone]
    assert all(f"第{number}页" in e.ocr_text for number, e in enumerate(many))
    assert [id for id, _ in faults] == ["bad.png"]


def test_a_picture_over_the_limit_is_refused(pictures: Path, sample_of: Make, tmp_path: Path) -> None:
    tight = EvidenceConfig(max_megapixels=0.1)
    with pytest.raises(InputError, match="megapixels"):
        observe([sample_of("a", "screen.png")], pictures, tight, cache=tmp_path)


def test_a_picture_over_the_limit_is_refused_where_a_higher_limit_has_let_it_in(
    pictures: Path, warm: Path, sample_of: Make
) -> None:
    tight = EvidenceConfig(max_side=CONFIG.max_side, max_megapixels=0.1)
    with pytest.raises(InputError, match=r"'screen.png' has 1 megapixels \(540 x 1170\): refused; the limit is 0.1"):
        observe([sample_of("a", "screen.png")], pictures, tight, cache=warm)


def test_a_killed_run_loses_nothing_and_goes_on(sample_of: Make, tmp_path: Path) -> None:
    names = []
    for number in range(6):
        names.append(f"{number}.png")
        draw_screen(("10:00", *(f"第{number}页{row}行" for row in range(8)))).save(tmp_path / names[-1])
    cache = tmp_path / "cache"
    code = (
        "import sys; from pathlib import Path; from kdsl.config import EvidenceConfig\n"
        "from kdsl.data.sample import Sample; from kdsl.evidence.observe import observe\n"
        "root, cache, *names = sys.argv[1:]\n"
        "samples = [Sample(name, 'scene', (name,), ()) for name in names]\n"
        "observe(samples, Path(root), EvidenceConfig(max_side=960), cache=Path(cache), workers=1)\n"
    )
    run = subprocess.Popen([sys.executable, "-c", code, str(tmp_path), str(cache), *names])
    try:
        while len(list(cache.glob("ocr-*/*/*.json"))) < 2:
            assert run.poll() is None, "the run ended before it could be killed"
            time.sleep(0.01)
    finally:
        run.kill()
        run.wait()
    kept = {path: path.stat().st_mtime_ns for path in cache.glob("ocr-*/*/*.json")}
    assert 2 <= len(kept) < 6
    evidences = observe([sample_of(name, name) for name in names], tmp_path, CONFIG, cache=cache)
    assert all(f"第{number}页" in e.ocr_text for number, e in enumerate(evidences))
    assert {path: path.stat().st_mtime_ns for path in kept} == kept  # what was read is not read again


def test_a_file_becomes_evidence_in_its_order(pictures: Path, tmp_path: Path, scene: Task) -> None:
    rows = [
        {"id": name, "task": "scene", "instruction": "", "output": "购物车页面", "image": [f"{name}.png"]}
        for name in ("screen", "popup")
    ]
    data, ocr = tmp_path / "data.json", tmp_path / "ocr.jsonl"
    data.write_text(json.dumps(rows, ensure_ascii=False), "utf-8")
    rows_of_ocr = [
        {"image": f"{row['id']}.png", "lines": [{"text": row["id"], "score": 1, "box": [0, 0, 9, 9]}]} for row in rows
    ]
    ocr.write_text("".join(json.dumps(row) + "\n" for row in rows_of_ocr), "utf-8")
    evidences = load_evidence([data], pictures, [scene], EvidenceConfig(), ocr)
    assert [(e.sample.id, e.ocr_text, e.sample.label) for e in evidences] == [
        ("screen", "screen", "购物车页面"),
        ("popup", "popup", "购物车页面"),
    ]
    with pytest.raises(InputError, match=r"screen\.png"):
        load_evidence([data], tmp_path, [scene], EvidenceConfig(), ocr)
