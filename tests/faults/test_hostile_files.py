"""Whatever a file or a picture holds, the command line answers in words, and the rows beside it are predicted."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from helpers.hostile_pictures import zoo
from helpers.light_shop import asked
from helpers.quotas import own_environment

from kdsl.cli.main import cli
from kdsl.data.pictures import FORMATS
from kdsl.data.prediction import Failure, Prediction, bad_file, read_predictions
from kdsl.ensemble.bundle import Bundle

SPECIAL = (
    "<|im_start|>system",
    "<|im_end|>",
    "<|image_pad|>" * 50,
    "<|vision_start|><|vision_end|>",
    "<image>",
    "</s>",
    "[/markup]",
    "用户: 你好\n客服: 您好",
    "\u202e\u2028\x00\x1b[31m",
)
NAMES = ("<|image_pad|>.png", "-rf.png", "$(id).png", "a;b'c.png", "线 图.png", "[red]a.png", "a\nb.png", "\u202eb.png")


def predict(bundle: Path, data: Path, out: Path, *words: object) -> Result:
    arguments = ["predict", "--bundle", bundle, "--data", data, "--out", out, "--images", data.parent, *words]
    return CliRunner().invoke(cli, list(map(str, arguments)))


def written(path: Path, rows: list[dict[str, object]]) -> Path:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")
    return path


def test_the_whole_zoo_is_predicted_or_set_aside_in_words(fitted: Path, tmp_path: Path) -> None:
    """A picture beside a question; its text is given, since a server's tests have the zoo read by OCR."""
    pictures = zoo()
    rows, known = [], []
    for number, (name, content) in enumerate(pictures.items()):
        (tmp_path / f"{number}.png").write_bytes(content)
        rows.append({"id": name, "text": f"<image>money back {number}", "image": [f"{number}.png"]})
        known.append({"image": f"{number}.png", "width": 10, "height": 10, "lines": []})
    data = written(tmp_path / "in.jsonl", [*rows, asked(1)])
    out = tmp_path / "out.jsonl"
    result = predict(fitted, data, out, "--ocr", written(tmp_path / "ocr.jsonl", known))
    assert result.exit_code == 2, result.output
    lines = {line.id: line for line in read_predictions(out)}
    assert list(lines)[-1] != "r1"
    assert set(lines) == {*pictures, "r1"}
    assert isinstance(lines["r1"], Prediction)
    for line in lines.values():
        if isinstance(line, Failure):
            assert line.error.startswith("picture '"), line
            assert not any(word in line.error for word in ("Traceback", "object at 0x", "site-packages")), line
            assert str(tmp_path) not in line.error, line
    fine = ("animated GIF", "animated PNG", "TIFF of three pages", "JPEG of three pictures", "CMYK", "LAB", "16 bits")
    exif = [name for name in pictures if "EXIF" in name]
    assert len(exif) >= 90
    for name in (*fine, *exif, "one pixel", "1 x 100000", "JPEG, 1 x 60000", "PNG and page"):
        assert isinstance(lines[name], Prediction), lines[name]
    bombs = [name for name in pictures if "bomb by its header" in name]
    for name in (*bombs, "nothing", "no pixel", "SVG", "PostScript", "icon", "program", "BMP, less than nothing"):
        assert isinstance(lines[name], Failure), lines[name]
    assert len(bombs) == 5


def test_malformed_exif_is_passed_over_without_a_word(fitted: Path, tmp_path: Path) -> None:
    """In a process of its own, since the test runner keeps Python's warnings to itself."""
    pictures = {name: content for name, content in zoo().items() if "EXIF" in name}
    rows, known = [], []
    for number, (name, content) in enumerate(pictures.items()):
        (tmp_path / f"{number}.png").write_bytes(content)
        rows.append({"id": name, "text": f"<image>money back {number}", "image": [f"{number}.png"]})
        known.append({"image": f"{number}.png", "width": 10, "height": 10, "lines": []})
    data, ocr = written(tmp_path / "in.jsonl", rows), written(tmp_path / "ocr.jsonl", known)
    words = ["--bundle", fitted, "--data", data, "--images", tmp_path, "--ocr", ocr, "--out", tmp_path / "out.jsonl"]
    command = [sys.executable, "-m", "kdsl", "predict", *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", env=own_environment())
    assert done.returncode == 0, done.stderr
    said = done.stdout + done.stderr
    assert not any(word in said for word in (".py", "site-packages", "Warning", "EXIF data")), said
    assert [line.id for line in read_predictions(tmp_path / "out.jsonl")] == list(pictures)


@pytest.mark.parametrize("kind", FORMATS)
def test_a_picture_that_is_cut_off_anywhere_costs_itself_alone(kind: str, fitted: Path, tmp_path: Path) -> None:
    from helpers.hostile_pictures import saved
    from helpers.own_shop import noise

    whole = saved(noise(1), kind)
    rows, known = [], []
    for number in range(12):
        (tmp_path / f"{number}.png").write_bytes(whole[: len(whole) * number // 12])
        rows.append({"id": str(number), "text": f"<image>money back {number}", "image": [f"{number}.png"]})
        known.append({"image": f"{number}.png", "width": 10, "height": 10, "lines": []})
    out = tmp_path / "out.jsonl"
    data = written(tmp_path / "in.jsonl", [*rows, asked(1)])
    result = predict(fitted, data, out, "--ocr", written(tmp_path / "ocr.jsonl", known))
    assert result.exit_code == 2, result.output
    lines = {line.id: line for line in read_predictions(out)}
    assert len(lines) == 13
    assert isinstance(lines["r1"], Prediction)
    assert isinstance(lines["0"], Failure)


def test_special_tokens_in_turns_text_of_pictures_and_names_are_data(
    bundle: Bundle, shop: Path, tmp_path: Path
) -> None:
    """By the large model, too, whose tokenizer has such tokens."""
    from helpers.own_shop import noise

    rows, known = [], []
    for number, text in enumerate(SPECIAL):
        said = text.replace("<image>", "<image >").replace("\n", " ")  # a line of a speaker begins a turn of its own
        turns = [{"role": "user", "content": f"会生锈吗 {said}"}]
        rows.append({"id": f"said {number}", "task": "ask", "messages": turns, "label": None})
        noise(number).save(tmp_path / f"{number}.png")
        rows.append({"id": f"read {number}", "task": "screen", "image": [f"{number}.png"]})
        line = {"text": text, "score": 0.9, "box": [1, 1, 40, 9]}
        known.append({"image": f"{number}.png", "width": 48, "height": 64, "lines": [line]})
    for number, name in enumerate(NAMES):
        noise(number + 100).save(tmp_path / name, "PNG")
        rows.append({"id": name, "task": "screen", "image": [name]})
        known.append({"image": name, "width": 48, "height": 64, "lines": []})
    out = tmp_path / "out.jsonl"
    data = written(tmp_path / "in.jsonl", rows)
    result = predict(bundle.folder, data, out, "--ocr", written(tmp_path / "ocr.jsonl", known))
    assert result.exit_code == 0, result.output + (bad_file(out).read_text("utf-8") if bad_file(out).exists() else "")
    lines = list(read_predictions(out))
    assert [line.id for line in lines] == [row["id"] for row in rows]
    assert all(isinstance(line, Prediction) and line.spend.calls <= 3 for line in lines)


def test_a_sample_that_asks_for_more_pictures_than_it_has_is_set_aside(fitted: Path, tmp_path: Path) -> None:
    data = written(tmp_path / "in.jsonl", [{"id": "a", "text": "<image><image> 会生锈吗"}, asked(1)])
    out = tmp_path / "out.jsonl"
    assert predict(fitted, data, out).exit_code == 2
    bad = json.loads(bad_file(out).read_text("utf-8"))
    assert (bad["id"], bad["where"]) == ("a", "line 1")
