"""`kdsl rules` and `kdsl distill-rules` at the command line."""

from __future__ import annotations

import json
import subprocess
import sys
from io import StringIO
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result
from PIL import Image
from rich.console import Console
from rich.table import Table

from kdsl.cli.main import cli
from kdsl.errors import ConfigError, InputError
from kdsl.resources import resource
from kdsl.rules.book import RuleBook
from kdsl.rules.collection import Rules
from kdsl.rules.show import list_table

PAGES = {"购物车页面": ("购物车", "全选", "结算"), "换货页面": ("换货详情", "换货原因", "提交")}


@pytest.fixture(scope="module")
def shop_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve labelled scene samples in the challenge's format, their pictures, and OCR results."""
    root = tmp_path_factory.mktemp("shop")
    (root / "images").mkdir()
    samples, ocr = [], []
    for label, lines in PAGES.items():
        for number in range(6):
            name = f"{label[:2]}{number}.jpg"
            Image.new("RGB", (90, 160), (255, 255, 20 * number)).save(root / "images" / name)
            boxes = [[5, 40 * i + 5, 85, 40 * i + 20] for i in range(len(lines))]
            found = [{"text": t, "score": 0.99, "box": b} for t, b in zip(lines, boxes, strict=True)]
            ocr.append({"image": name, "width": 90, "height": 160, "lines": found})
            samples.append(
                {
                    "id": f"{label}{number}",
                    "instruction": "Picture 1: <image>\n请对消费者上传的图片进行分类。",
                    "input": "",
                    "output": label,
                    "image": [name],
                }
            )
    (root / "train.json").write_text(json.dumps(samples, ensure_ascii=False), "utf-8")
    (root / "ocr.jsonl").write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in ocr), "utf-8")
    return root


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(cli, [str(a) for a in arguments])


def data_of(root: Path) -> tuple[str | Path, ...]:
    return "--data", root / "train.json", "--images", root / "images", "--ocr", root / "ocr.jsonl"


def test_list_needs_neither_torch_nor_numpy() -> None:
    probe = (
        "from kdsl.cli.main import cli; cli(['rules', 'list'], standalone_mode=False); import sys; "
        "heavy = {'torch', 'sklearn', 'numpy', 'scipy', 'pandas'} & set(sys.modules); assert not heavy, heavy"
    )
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "scene/cart-checkout  购物车页面  weight 4, hand" in done.stdout


def test_list_filters_by_label_and_task() -> None:
    result = run("rules", "list", "--label", "气泡")
    ids = [line.split()[0] for line in result.output.splitlines() if not line.startswith(" ")]
    assert ids == ["intent/bubbles", "intent/film-answer"]
    assert "scene/" not in run("rules", "list", "--task", "intent").output
    error = run("rules", "list", "--label", "气泡泡").exception
    assert isinstance(error, InputError)
    assert "Did you mean 气泡?" in str(error)


def test_show_tells_all_of_one_rule() -> None:
    output = run("rules", "show", "cart-checkout").output
    assert "all      an OCR line contains 「结算」" in output
    assert "none     an OCR line contains 「粉丝」" in output
    assert "groups   〔购物车内容〕: 全选, 合计, 管理, 购物车" in output
    assert "origin   hand" in output
    error = run("rules", "show", "cart-chekout").exception
    assert isinstance(error, InputError)
    assert "Did you mean cart-checkout?" in str(error)


def test_a_faulty_book_is_refused_with_its_faults(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("task: scene\nlabels: [a, b]\nrules: [{id: x, label: c, when: {all: [nonsense]}}]\n", "utf-8")
    error = run("rules", "list", "--book", path).exception
    assert isinstance(error, ConfigError)
    assert "rule 'x'" in str(error)


def test_rules_are_distilled_listed_and_tested(shop_files: Path, tmp_path: Path) -> None:
    done = run(
        "distill-rules", *data_of(shop_files), "--out", tmp_path, "--task", "scene", "--no-model", "--no-shipped",
        "--set", "rules.simulations=40",
    )  # fmt: skip
    assert done.exception is None, done.exception
    book = RuleBook.load(tmp_path / "scene.yaml")
    assert {rule.label for rule in book.rules} == set(PAGES)
    assert not (tmp_path / "intent.yaml").exists()
    listed = run("rules", "list", "--book", tmp_path / "scene.yaml").output
    assert f"scene/{book.rules[0].id}" in listed
    assert "scene: no rule for 支付页面: 0 labelled sample(s); a rule is tested on 5 or more" in listed
    table = run("rules", "test", *data_of(shop_files), "--book", tmp_path / "scene.yaml")
    assert table.exception is None, table.exception
    assert "12 samples, coverage 1.000, precision 1.000" in " ".join(table.output.split())
    found = json.loads(
        run("rules", "test", *data_of(shop_files), "--book", tmp_path / "scene.yaml", "--format", "json").output
    )
    assert found["scene"]["f1"] == 1.0
    assert found["scene"]["f1_ensemble"] is None
    assert [row["id"] for row in found["scene"]["rules"]] == [rule.id for rule in book.rules]


def test_mining_again_keeps_what_was_changed_and_says_so(
    shop_files: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    given = (
        "distill-rules", *data_of(shop_files), "--out", tmp_path, "--task", "scene", "--no-model", "--no-shipped",
        "--set", "rules.simulations=40",
    )  # fmt: skip
    run(*given)
    path = tmp_path / "scene.yaml"
    first = RuleBook.load(path)
    off = run("rules", "disable", first.rules[0].id, "--book", path, "--reason", "chance", "--yes")
    assert off.exception is None, off.exception
    path.write_text("# our own\n" + path.read_text("utf-8"), "utf-8")
    caplog.set_level("INFO")
    again = run(*given)
    assert again.exception is None, again.exception
    assert path.read_text("utf-8").startswith("# our own\n")
    assert {rule.id: rule.enabled for rule in RuleBook.load(path).rules} == {
        rule.id: rule.id != first.rules[0].id for rule in first.rules
    }
    assert f"rules that stay disabled (1): {first.rules[0].id}" in caplog.text
    path.write_text("task: [", "utf-8")
    assert isinstance(run(*given).exception, ConfigError)


def test_shipped_rules_join_unless_left_out(shop_files: Path, tmp_path: Path) -> None:
    run("distill-rules", *data_of(shop_files), "--out", tmp_path, "--task", "scene", "--no-model",
        "--set", "rules.simulations=16")  # fmt: skip
    origins = {rule.id: rule.origin.how for rule in RuleBook.load(tmp_path / "scene.yaml").rules}
    assert origins["cart-checkout"] == "hand"
    assert "refund-result" in origins  # no sample speaks for or against it


def test_an_unknown_task_is_named(shop_files: Path, tmp_path: Path) -> None:
    error = run("distill-rules", *data_of(shop_files), "--out", tmp_path, "--task", "scenes", "--no-model").exception
    assert isinstance(error, InputError)
    assert "Did you mean scene?" in str(error)


def test_rules_and_labels_that_look_like_markup_are_printed_as_they_are(shop_files: Path, tmp_path: Path) -> None:
    labels = ("好的 [/INST]", "[red]x[/red]")
    task = {"name": "scene", "input": "picture", "prompt": "?"}
    task["labels"] = [{"name": label, "zh": label, "en": label} for label in labels]
    (tmp_path / "task.yaml").write_text(json.dumps(task, ensure_ascii=False), "utf-8")  # JSON is YAML
    rows = json.loads((shop_files / "train.json").read_text("utf-8"))
    named = dict(zip(PAGES, labels, strict=True))
    rows = [row | {"output": named[row["output"]]} for row in rows]
    (tmp_path / "train.json").write_text(json.dumps(rows, ensure_ascii=False), "utf-8")
    rule = {"id": "cart", "label": labels[0], "weight": 1, "when": {"all": ["an OCR line contains 「结算」"]}}
    other = {"id": "exchange", "label": labels[1], "weight": 1, "when": {"all": ["an OCR line contains 「提交」"]}}
    book = {"task": "scene", "labels": labels, "rules": [rule, other]}
    (tmp_path / "book.yaml").write_text(json.dumps(book, ensure_ascii=False), "utf-8")
    given = (*data_of(shop_files)[2:], "--data", tmp_path / "train.json", "--task-file", tmp_path / "task.yaml")
    result = run("rules", "test", *given, "--book", tmp_path / "book.yaml")
    assert result.exit_code == 0, result.exception
    shown = "".join(result.output.split())  # narrow columns are folded
    assert "[red" in shown
    assert "[/IN" in shown
    listed = run("rules", "--book", tmp_path / "book.yaml").output
    assert all(label in listed for label in labels)


def test_samples_are_shown_with_what_the_rule_found(shop_files: Path) -> None:
    output = run("rules", "show", "cart-checkout", *data_of(shop_files)).output
    assert "on 12 labelled samples: right on 6, wrong on 0; does not fire on 0 of its label" in output
    assert "OCR line 3: 【结算】" in output
    found = json.loads(run("rules", "show", "cart-checkout", *data_of(shop_files), "--format", "json").output)
    first = found["samples"]["right"][0]
    assert (first["id"], first["label"]) == ("购物车页面0", "购物车页面")
    settle = next(one for one in first["reading"]["readings"] if one["literal"] == "an OCR line contains 「结算」")
    assert settle["found"] == [{"where": "OCR line 3", "text": "结算", "spans": [[0, 2]]}]


def test_a_text_and_a_sample_are_explained(shop_files: Path, tmp_path: Path) -> None:
    said = json.loads(run("rules", "explain", "贴膜有气泡怎么办", "--format", "json").output)
    assert [one["predicted"] for one in said] == ["气泡"]
    assert "scene" in run("rules", "explain", "购物车页面0", *data_of(shop_files)).output
    error = run("rules", "explain", "购物车页面9", *data_of(shop_files)).exception
    assert isinstance(error, InputError)
    assert "Did you mean 购物车页面" in str(error)
    book = {"task": "own", "labels": ["fog", "sun"], "rules": []}
    book["rules"] = [{"id": "fog", "label": "fog", "when": {"all": ["an OCR line contains the word 「fog」"]}}]
    (tmp_path / "own.yaml").write_text(json.dumps(book), "utf-8")
    error = run("rules", "explain", "fog everywhere", "--book", tmp_path / "own.yaml").exception
    assert isinstance(error, InputError)
    assert "give --data" in str(error)


def test_own_labels_need_no_task_file(tmp_path: Path) -> None:
    (tmp_path / "asked.csv").write_text("text,label\nWill it rust?,RUST\nWhere is my parcel?,PARCEL\n", "utf-8")
    rule = {"id": "rust", "label": "RUST", "when": {"all": ["a user turn contains the word 「rust」"]}}
    (tmp_path / "own.yaml").write_text(
        json.dumps({"task": "q", "labels": ["PARCEL", "RUST"], "rules": [rule]}), "utf-8"
    )
    done = run("rules", "test", "--book", tmp_path / "own.yaml", "--data", tmp_path / "asked.csv", "--format", "json")
    found = json.loads(done.output)["q"]
    assert (found["n"], found["coverage"], found["precision"]) == (2, 0.5, 1.0)


def test_books_are_compared_merged_and_exported(tmp_path: Path) -> None:
    shipped = resource("rules/intent.yaml")
    book = RuleBook.load(shipped)
    changed = [rule.model_copy(update={"weight": 9.0}) if rule.id == "bubbles" else rule for rule in book.rules[:-1]]
    book.model_copy(update={"rules": tuple(changed)}).save(tmp_path / "mine.yaml")
    text = (tmp_path / "mine.yaml").read_text("utf-8")
    (tmp_path / "mine.yaml").write_text(text.replace("weight: 9.0", "weight: 9.0  # often asked"), "utf-8")
    found = json.loads(run("rules", "diff", shipped, tmp_path / "mine.yaml", "--format", "json").output)
    assert [rule["id"] for rule in found["removed"]] == [book.rules[-1].id]
    assert [(one["id"], one["changes"][0]["name"]) for one in found["changed"]] == [("bubbles", "weight")]
    merged = run("rules", "merge", tmp_path / "mine.yaml", shipped, "--out", tmp_path / "both.yaml")
    assert "conflict: 'bubbles': weight 9 is kept, 4 left out" in merged.output
    assert len(RuleBook.load(tmp_path / "both.yaml").rules) == len(book.rules)
    assert "# often asked" in (tmp_path / "both.yaml").read_text("utf-8")
    error = run("rules", "merge", tmp_path / "mine.yaml", shipped, "--out", tmp_path / "both.yaml").exception
    assert "is there already" in str(error)
    assert "a user turn speaks of 〔气泡〕" in run("rules", "export", "--task", "intent", "--format", "sql").output
    assert "choose a --task" in str(run("rules", "export", "--format", "sql").exception)
    assert run("rules", "export", "--format", "html", "--out", tmp_path / "rules.html").output == ""
    assert (tmp_path / "rules.html").read_text("utf-8").startswith("<!doctype html>")


def test_a_book_is_linted_and_a_change_says_what_it_brings(tmp_path: Path) -> None:
    rules = [{"id": "fog", "label": "fog", "when": {"all": ["a user turn contains the word 「fog」"]}}]
    book = {"task": "own", "labels": ["fog", "sun"], "groups": {"mist": ["mist"]}, "rules": rules}
    (tmp_path / "own.yaml").write_text(yaml.safe_dump(book, allow_unicode=True), "utf-8")
    found = json.loads(run("rules", "lint", "--book", tmp_path / "own.yaml", "--format", "json").output)
    assert [one["kind"] for one in found["own"]] == ["unused group"]
    assert (
        "own: unused group  no rule speaks of 〔mist〕" in run("rules", "lint", "--book", tmp_path / "own.yaml").output
    )
    add = ("rules", "add", "--book", tmp_path / "own.yaml", "--label", "sun", "--when")
    shown = run(*add, 'a user turn contains the word "fog"').output
    assert "look at this: conflict  fog, hand-1: on the same condition one says fog, the other sun" in shown
    assert "unused group" not in shown
    added = json.loads(run(*add, 'a user turn speaks of "mist"', "--yes", "--format", "json").output)
    assert (added["saved"], added["findings"]) == (True, [])
    assert run("rules", "lint", "--book", tmp_path / "own.yaml").output == "nothing found\n"


def test_a_text_cannot_steer_the_terminal(shop_files: Path, tmp_path: Path) -> None:
    read = (shop_files / "ocr.jsonl").read_text("utf-8").replace('"结算"', '"结算\\u009b2J"')
    (tmp_path / "ocr.jsonl").write_text(read, "utf-8")
    output = run("rules", "show", "cart-checkout", *data_of(shop_files)[:-1], tmp_path / "ocr.jsonl").output
    assert "【结算】\N{REPLACEMENT CHARACTER}2J" in output
    assert "\x9b" not in output


def test_a_label_without_rules_is_listed_with_the_reason(tmp_path: Path) -> None:
    rule = {"id": "fog", "label": "fog", "when": {"all": ["a user turn contains the word 「fog」"]}}
    book = {"task": "own", "labels": ["fog", "sun"], "without_rules": {"sun": "too few samples"}, "rules": [rule]}
    (tmp_path / "own.yaml").write_text(yaml.safe_dump(book, allow_unicode=True), "utf-8")
    assert "own: no rule for sun: too few samples" in run("rules", "--book", tmp_path / "own.yaml").output
    assert "sun" not in run("rules", "--book", tmp_path / "own.yaml", "--label", "fog").output
    done = run("rules", "merge", tmp_path / "own.yaml", tmp_path / "own.yaml", "--out", tmp_path / "both.yaml")
    assert done.exception is None
    assert RuleBook.load(tmp_path / "both.yaml") == RuleBook.load(tmp_path / "own.yaml")


def test_a_list_without_rules_says_so(tmp_path: Path) -> None:
    book = tmp_path / "mood.yaml"
    book.write_text("task: mood\nlabels: [sad, glad]\nrules: []\n", "utf-8")
    assert run("rules", "list", "--book", book).output == "mood: no rules found\n"
    assert json.loads(run("rules", "list", "--book", book, "--format", "json").stdout) == []


def test_a_narrow_terminal_loses_nothing_and_no_label_steers_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "own.csv").write_text("text,label\nfog again,fog\nfog or sun,sun\n", "utf-8")
    rule = {"id": "fog-1", "label": "fog", "when": {"all": ["a user turn contains the word 「fog」"]}}
    odd = {**rule, "id": "odd", "label": "a\x1b[2J", "when": {"all": ["a user turn speaks of 〔mist〕"]}}
    groups = {"mist": ["haze", "smog"]}
    book = {"task": "own", "groups": groups, "labels": ["fog", "sun", odd["label"]], "rules": [rule, odd]}
    (tmp_path / "own.yaml").write_text(yaml.safe_dump(book, allow_unicode=True), "utf-8")
    given = ("--book", tmp_path / "own.yaml", "--data", tmp_path / "own.csv")
    for columns in ("40", "80"):
        monkeypatch.setenv("COLUMNS", columns)
        output = " ".join(run("rules", "test", *given).output.split())
        assert "1/2" in output
        assert "conflict" in output
        assert "fog-1 fog" in output
        assert "\x1b" not in output
    assert "odd" in (table := shown(list_table(Rules.open(book=tmp_path / "own.yaml").list())))
    assert "\x1b" not in table
    assert "haze, smog" in " ".join(table.split())
    assert "\n    〔mist〕: haze, smog\n" in run("rules", "list", "--book", tmp_path / "own.yaml").output


def shown(table: Table) -> str:
    console = Console(width=80, file=StringIO(), markup=False)
    console.print(table)
    return str(console.file.getvalue())  # type: ignore[attr-defined]


def test_an_unknown_label_is_told_which_there_are(tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text("task: own\nlabels: [fog, sun]\n", "utf-8")
    with pytest.raises(InputError, match=r"no label is called 'rain'\. There are: fog, sun\."):
        Rules.open(book=tmp_path / "own.yaml").list(label="rain")
