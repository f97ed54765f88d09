"""Scores by text alone, by pictures alone and jointly: each sees its own part, and a report shows all three."""

from __future__ import annotations

import json
from pathlib import Path

from click.testing import CliRunner
from helpers.own_shop import noise

from kdsl.cli.main import cli
from kdsl.data.sample import Sample
from kdsl.errors import InputError
from kdsl.evaluation.modalities import pictures_alone, text_alone
from kdsl.evidence.types import UNSEEN, Evidence, OcrLine, Picture

LABELS = {"rust": ("does it rust", "会生锈吗"), "refund": ("money back please", "我要退款")}


def test_each_sees_its_own_part_alone(tmp_path: Path):
    line = OcrLine("退款成功", 1.0, (0, 0, 9, 9))
    sample = Sample.dialogue(["<image>会生锈吗", ("agent", "您好")], task="ask", label="rust", id="a")
    whole = Evidence(sample, (Picture("a.png", tmp_path / "a.png", 9, 9, (line,), UNSEEN),))
    text, pictures = text_alone(whole), pictures_alone(whole)
    assert (text.pictures, text.sample.images) == ((), ())
    assert [turn.text for turn in text.sample.turns] == ["会生锈吗", "您好"]
    assert pictures.pictures == whole.pictures
    assert [turn.text for turn in pictures.sample.turns] == ["<image>", ""]
    assert {text.sample.label, pictures.sample.label} == {"rust"}


def test_a_report_says_what_text_and_pictures_tell_alone(tmp_path: Path):
    rows, ocr = [], []
    for n in range(12):
        label = ("rust", "refund")[n % 2]
        noise(n).save(tmp_path / f"{n}.png")
        rows.append(
            {"id": str(n), "text": f"<image>{LABELS[label][n // 6]} {n}", "label": label, "images": [f"{n}.png"]}
        )
        ocr.append({"image": f"{n}.png", "width": 48, "height": 64, "lines": []})
    bare = [{"id": label, "text": f"{said[0]} at once", "label": label} for label, said in LABELS.items()]
    rows += bare
    (tmp_path / "shop.jsonl").write_text("\n".join(map(json.dumps, rows)), "utf-8")
    (tmp_path / "ocr.jsonl").write_text("\n".join(map(json.dumps, ocr)), "utf-8")
    read = ("--images", str(tmp_path), "--ocr", str(tmp_path / "ocr.jsonl"))
    data, bundle, lines = (str(tmp_path / name) for name in ("shop.jsonl", "bundle", "lines.jsonl"))
    report = ("evaluate", "--data", data, "--pred", lines, "--out", str(tmp_path / "report"))
    for words in (
        ("fit", "--data", data, *read, "--out", bundle, "--set", "large=null", "--set", "small=null"),
        ("predict", "--bundle", bundle, "--data", data, *read, "--out", lines),
        (*report, *read, "--by-modality", bundle),
    ):
        result = CliRunner().invoke(cli, words)
        assert result.exit_code == 0, (words, result.output, result.exception)
    found = json.loads((tmp_path / "report" / "metrics.json").read_text("utf-8"))["shop"]["modalities"]
    assert found["n"] == 12
    assert found["text"] == found["joint"] > 0.9  # the pictures are noise
    assert found["pictures"] < 0.9
    assert "By text and by pictures" in result.output
    assert "pictures alone" in (tmp_path / "report" / "report.html").read_text("utf-8")
    (tmp_path / "shop.jsonl").write_text("\n".join(map(json.dumps, bare)), "utf-8")
    (tmp_path / "lines.jsonl").write_text("\n".join(map(json.dumps, bare)), "utf-8")
    refused = CliRunner().invoke(cli, (*report, "--by-modality", bundle))
    assert isinstance(refused.exception, InputError)
    assert "no labelled sample has both" in str(refused.exception)
