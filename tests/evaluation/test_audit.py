"""An audit finds labels that were exchanged, shows them worst first, and changes none."""

from __future__ import annotations

import base64
import csv
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from helpers.judged_lines import gold_row, line, write_files
from PIL import Image

from kdsl.cli.main import cli
from kdsl.data.sample import Sample, Turn
from kdsl.data.spreadsheets import as_written
from kdsl.errors import InputError
from kdsl.evaluation.audit import EXCERPT, Audit, Suspect, audit, excerpt, write_audit, write_audit_page
from kdsl.tasks import Label, Task

NAMES = ("是否会生锈", "是否易褪色", "是否好用")
WRONG = {"2": 1, "7": 2, "11": 1}
"""Samples whose given label is another one's."""


@pytest.fixture
def task() -> Task:
    return Task(name="intent", input="dialogue", prompt="?", labels=tuple(Label(name=n, zh=n, en=n) for n in NAMES))


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """36 dialogues with out-of-fold predictions that are right and fairly sure; three labels are wrong."""
    rng = np.random.default_rng(0)
    gold, pred = [], []
    for i in range(36):
        right = i % 3
        given = WRONG.get(str(i), right)
        row = np.full(3, 0.0)
        row[right] = rng.uniform(0.85, 0.9)
        row[(right + 1) % 3] = 0.6 * (1 - row[right])
        row[(right + 2) % 3] = 0.4 * (1 - row[right])
        gold.append(gold_row(str(i), NAMES[given], f"问题{i}"))
        distribution = dict(zip(NAMES, row.tolist(), strict=True))
        pred.append(line(str(i), NAMES[right], float(row[right]), distribution=distribution, fold=i % 5))
    return write_files(tmp_path, gold, pred)


def test_exchanged_labels_are_found_worst_first_and_nothing_else(
    files: tuple[Path, Path], task: Task, tmp_path: Path
) -> None:
    found = audit(*files, [task])
    assert {suspect.id for suspect in found.suspects} == set(WRONG)
    qualities = [suspect.quality for suspect in found.suspects]
    assert qualities == sorted(qualities)
    assert (found.judged, found.failed, found.out_of_fold) == (36, 0, True)
    for suspect in found.suspects:
        assert suspect.given == NAMES[WRONG[suspect.id]]
        assert suspect.suggested == NAMES[int(suspect.id) % 3]
        assert suspect.probability_suggested > 0.84 > suspect.probability_given
        assert suspect.text == f"问题{suspect.id}"
    write_audit(tmp_path / "audit.csv", found)
    content = (tmp_path / "audit.csv").read_bytes()
    assert content.startswith(b"\xef\xbb\xbf")
    rows = list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"))))
    assert [row["id"] for row in rows] == [suspect.id for suspect in found.suspects]
    assert float(rows[0]["quality"]) == qualities[0]


def test_no_text_of_the_table_is_a_formula_in_a_spreadsheet(tmp_path: Path) -> None:
    texts = ("=1+1", "+86", "-x", "@a", "\t=2", "'=3", "退款")
    suspects = [Suspect(text, text, text, text, 0.1, 0.8, 0.2, text) for text in texts]
    write_audit(tmp_path / "audit.csv", Audit(suspects, {}, len(texts), 0, True))
    rows = list(csv.DictReader(io.StringIO((tmp_path / "audit.csv").read_text("utf-8-sig"))))
    for row, text in zip(rows, texts, strict=True):
        for name in ("id", "task", "given", "suggested", "text"):
            assert row[name][0] not in "=+-@\t"
            assert as_written(row[name]) == text
        assert float(row["probability_given"]) == 0.1


def test_the_command_counts_pairs_and_leaves_the_labels_alone(files: tuple[Path, Path], tmp_path: Path) -> None:
    before = files[0].read_bytes()
    arguments = ["--data", str(files[0]), "--pred", str(files[1]), "--out", str(tmp_path / "a.csv")]
    result = CliRunner().invoke(cli, ["data", "audit", *arguments])
    assert result.exit_code == 0, result.output
    rows = [row.split() for row in result.stdout.splitlines()]
    assert ["intent", NAMES[1], NAMES[2], "2"] in rows
    assert ["intent", NAMES[2], NAMES[1], "1"] in rows
    assert len(list(csv.DictReader((tmp_path / "a.csv").open(encoding="utf-8-sig")))) == 3
    assert files[0].read_bytes() == before
    assert not (tmp_path / "a.csv.html").exists()
    result = CliRunner().invoke(cli, ["data", "audit", *arguments, "--images", str(tmp_path)])
    assert result.exit_code == 0, result.output
    assert (tmp_path / "a.csv.html").is_file()


def test_labels_that_look_like_markup_are_printed_as_they_are(files: tuple[Path, Path], tmp_path: Path) -> None:
    odd = ("好的 [/INST]", "[red]x[/red]", ":smile:")
    for file in files:
        text = file.read_text("utf-8")
        for name, label in zip(NAMES, odd, strict=True):
            text = text.replace(name, label)
        file.write_text(text, "utf-8")
    task = {"name": "intent", "input": "dialogue", "prompt": "?"}
    task["labels"] = [{"name": label, "zh": label, "en": label} for label in odd]
    (tmp_path / "task.yaml").write_text(json.dumps(task, ensure_ascii=False), "utf-8")  # JSON is YAML
    (tmp_path / "run.yaml").write_text('{"extends": "configs/nano.yaml", "tasks": ["task.yaml"]}', "utf-8")
    arguments = ["--data", str(files[0]), "--pred", str(files[1]), "--out", str(tmp_path / "a.csv")]
    result = CliRunner().invoke(cli, ["data", "audit", *arguments, "--config", str(tmp_path / "run.yaml")])
    assert result.exit_code == 0, result.output
    for label in odd[1:]:  # the suspects' labels
        assert label in result.stdout


def test_the_page_shows_what_a_person_needs_to_decide(files: tuple[Path, Path], task: Task, tmp_path: Path) -> None:
    gold = json.loads(files[0].read_text("utf-8"))
    gold[2] |= {"instruction": "用户: 掉色吗 1 < 2<image>", "image": ["2.png"]}  # suspects 2 and 7
    gold[7] |= {"instruction": "用户: 好用吗<image>", "image": ["gone.png"]}
    files[0].write_text(json.dumps(gold), "utf-8")
    Image.new("RGB", (400, 900), "teal").save(tmp_path / "2.png")
    meant = task.model_copy(update={"labels": tuple(Label(name=n, zh=f"{n}的意思", en=f"<{n}>") for n in NAMES)})
    write_audit_page(tmp_path / "audit.html", audit(*files, [meant]), [meant], tmp_path)
    text = (tmp_path / "audit.html").read_text("utf-8")
    assert text.count("<details") == 3
    assert "3 of 36 labels" in text
    entry = next(part for part in text.split("<details")[1:] if "掉色" in part)
    assert "掉色吗 1 &lt; 2" in entry
    for name in (NAMES[1], NAMES[2]):  # given and suggested
        assert f"{name}的意思 · &lt;{name}&gt;" in entry
    assert NAMES[0] not in entry
    content = base64.b64decode(entry.partition("data:image/jpeg;base64,")[2].partition('"')[0])
    with Image.open(io.BytesIO(content)) as picture:
        assert max(picture.size) == 640
    assert text.count("<img") == 1
    assert "gone.png" in text


def test_predictions_without_a_distribution_are_refused(files: tuple[Path, Path], task: Task, tmp_path: Path) -> None:
    def refuse(distribution: dict[str, Any], match: str) -> None:
        gold, pred = write_files(
            tmp_path, [gold_row("a", NAMES[0], "在吗")], [line("a", NAMES[0], distribution=distribution)]
        )
        with pytest.raises(InputError, match=match):
            audit(gold, pred, [task])

    refuse({}, r"id a\): 'distribution' is no distribution")
    refuse({"退款": 1.0}, "names label '退款', which task 'intent' lacks")


def test_failed_samples_are_counted_and_missing_folds_told(task: Task, tmp_path: Path) -> None:
    gold = [gold_row(str(i), NAMES[i % 3], "在吗") for i in range(6)]
    pred: list[dict[str, Any]] = [line(str(i), NAMES[i % 3]) for i in range(5)]
    found = audit(*write_files(tmp_path, gold, [*pred, {"id": "5", "error": "no picture"}]), [task])
    assert (found.suspects, found.judged, found.failed, found.out_of_fold) == ([], 5, 1, False)


def test_samples_that_no_label_fits_are_not_counted_as_failed(task: Task, tmp_path: Path) -> None:
    gold = [gold_row(str(i), "别的" if i == 5 else NAMES[i % 3], "在吗") for i in range(6)]
    pred = [line(str(i), NAMES[i % 3]) for i in range(6)]
    found = audit(*write_files(tmp_path, gold, pred), [task.model_copy(update={"out_of_scope": "别的"})])
    assert (found.judged, found.failed) == (5, 0)


def test_an_excerpt_shows_the_latest_words_of_the_user() -> None:
    turns = (Turn("user", "长" * 200, ""), Turn("agent", "您好", ""), Turn("user", "会\n生锈吗", ""))
    text = excerpt(Sample("a", "intent", ("a.jpg",), turns))
    assert len(text) == EXCERPT
    assert text.startswith("…长")
    assert text.endswith("长 / 会 生锈吗")
    assert excerpt(Sample("a", "scene", ("a.jpg", "b.jpg"), ())) == "a.jpg, b.jpg"
