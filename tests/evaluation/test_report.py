"""The report: all files are written, user text stays text, bad input is told, and the command prints figures."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from helpers.judged_lines import gold_row, line, write_files
from PIL import Image

from kdsl.cli.main import cli
from kdsl.data.readers import read_rows
from kdsl.data.sample import Sample
from kdsl.errors import InputError
from kdsl.evaluation.report import evaluate_file, write_evaluation, write_report
from kdsl.tasks import Task

ATTACK = "<script>alert(1)</script><img src=x onerror=alert(2)> \" ' &lt; {{ 7*7 }}"

GOLD = [
    gold_row("s1", "退款页面"),
    gold_row("s2", "退货页面"),
    gold_row("s3", "退货页面"),
    gold_row("i1", "是否好用", "1 < 2 & 好用吗"),
    gold_row("i2", "排水方式", "怎么排水呀"),
]
PRED = [
    line("s1", "退款页面", 0.9),
    line("s2", "退款页面", 0.6, distribution={"退款页面": 0.6, "退货页面": 0.3}, abstained=True),
    {"id": "s3", "task": "scene", "error": "picture 's3.jpg' is cut off"},
    line("i1", f"标签{ATTACK}", 0.4),
    line("i2", "排水方式", 0.7),
]


class Page(HTMLParser):
    """Tags, attributes and text of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def parse(path: Path) -> Page:
    page = Page()
    page.feed(path.read_text("utf-8"))
    return page


@pytest.fixture(scope="module")
def tasks(scene: Task, intent: Task) -> list[Task]:
    return [scene, intent]


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory, tasks: list[Task]) -> Path:
    folder = tmp_path_factory.mktemp("report")
    (folder / "images").mkdir()
    Image.new("RGB", (600, 1200), "red").save(folder / "images" / "s2.jpg")  # s3.jpg is missing: no fault here
    write_report(*write_files(folder, GOLD, PRED), folder / "out", tasks, folder / "images")
    return folder / "out"


def test_all_files_are_written(report: Path) -> None:
    assert sorted(path.name for path in report.iterdir()) == [
        "confusion-intent.png",
        "confusion-scene.png",
        "coverage-risk.png",
        "errors.jsonl",
        "metrics.json",
        "reliability-intent.png",
        "reliability-scene.png",
        "report.html",
    ]
    for path in report.glob("*.png"):
        with Image.open(path) as picture:
            assert picture.format == "PNG"
            assert picture.width > 200


def test_metrics_hold_tasks_pooled_and_mean(report: Path) -> None:
    metrics = json.loads((report / "metrics.json").read_text("utf-8"))
    assert metrics["scene"]["n"] == 3
    assert metrics["scene"]["failed"] == 1
    assert metrics["pooled"]["n"] == 5
    assert metrics["pooled"]["accuracy"] == pytest.approx(2 / 5)
    assert metrics["mean_f1"] == pytest.approx((metrics["scene"]["f1"] + metrics["intent"]["f1"]) / 2)
    assert metrics["pooled"]["spent"]["max_calls"] == 1
    assert metrics["scene"]["confidence"]["accuracy_at"]["0.50"] == 1


def test_it_says_what_it_costs_to_answer_by_one_expert_alone(report: Path) -> None:
    experts = json.loads((report / "metrics.json").read_text("utf-8"))["scene"]["experts"]
    assert experts["rules"] == {"f1": 0, "coverage": 0, "precision": None}
    assert experts["large"]["precision"] == 1 / 2  # right on s1, wrong on s2, and s3 failed
    assert experts["fused"]["f1"] == experts["large"]["f1"] > 0
    assert "Each expert alone, and all together" in parse(report / "report.html").text


def test_errors_hold_the_wrong_samples_and_their_traces(report: Path) -> None:
    rows = [json.loads(row) for row in (report / "errors.jsonl").read_text("utf-8").splitlines()]
    assert [row["id"] for row in rows] == ["s2", "s3", "i1"]
    assert (rows[0]["gold"], rows[0]["gold_rank"], rows[0]["gold_probability"]) == ("退货页面", 2, 0.3)
    assert rows[0]["trace"] == PRED[1]["trace"]
    assert rows[1]["error"] == "picture 's3.jpg' is cut off"
    assert rows[2]["turns"] == [{"role": "user", "text": "1 < 2 & 好用吗"}, {"role": "agent", "text": "您好"}]


def test_text_from_users_stays_text(report: Path) -> None:
    page = parse(report / "report.html")
    assert not [tag for tag, _ in page.tags if tag in ("script", "iframe", "object", "link", "form")]
    for tag, attributes in page.tags:
        assert not [name for name in attributes if name.startswith("on")], tag
        if tag == "img":
            assert str(attributes["src"]).startswith("data:image/")
    # whole, and not executed as a template: in the head of a sample, its expert, call, rule and snippet
    assert page.text.count(f"标签{ATTACK}") >= 5
    assert "1 < 2 & 好用吗" in page.text


def test_the_page_shows_traces_and_pictures(report: Path) -> None:
    page = parse(report / "report.html")
    for shown in (
        "an OCR line contains 合计",
        "faq.yaml, read by a model): 标题",
        "Snippet s2 (0.30, guide.md): 无标签",
        "(abstains)",
        "place 2 with 0.300",
        "ask a person",
        "s3.jpg",
    ):
        assert shown in page.text
    assert [a["alt"] for tag, a in page.tags if tag == "img" and a.get("title")] == ["s2.jpg"]
    policy = next(a["content"] for tag, a in page.tags if a.get("http-equiv") == "Content-Security-Policy")
    assert "default-src 'none'" in str(policy)


def test_predictions_of_another_program_are_evaluated_too(tmp_path: Path, tasks: list[Task]) -> None:
    pred = [{"id": row["id"], "label": "列表之外的标签", "trace": {"experts": "own form"}} for row in GOLD]
    gold, path = write_files(tmp_path, GOLD, pred)
    page = write_report(gold, path, tmp_path / "out", tasks)
    assert "trace is not of kdsl's form" in parse(page).text
    assert not (tmp_path / "out" / "coverage-risk.png").exists()
    assert evaluate_file(gold, path, tasks).mean_f1 == 0


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda p: p[:3], r"2 of 5 ids .* no prediction, the first: i1"),
        (lambda p: [*p, p[1]], r"line 6: id 's2' stands in line 2 already"),
        (lambda p: [*p, line("x9", "退款页面")], r"1 id\(s\) are not in gold.json, the first: x9"),
        (lambda p: [{"id": "s1"}, *p[1:]], r"line 1 \(id s1\): has neither 'label' nor"),
        (lambda p: [line("s1", "退款页面", 1.5), *p[1:]], r"line 1 \(id s1\).*: probability: "),
        (lambda p: [line("s1", "退款页面", "high"), *p[1:]], r"line 1 \(id s1\).*: probability: "),
        (lambda p: [line("s1", "退款页面", spend={"calls": "many"}), *p[1:]], r": spend\.calls: "),
        (lambda p: [line("s1", "退款页面", task="intent"), *p[1:]], r"for task 'intent', but .* of 'scene'"),
        (lambda p: [p[0], ["s2", "退款页面"], *p[2:]], r"line 2: expected a JSON object with 'id'"),
    ],
)
def test_bad_predictions_are_told(tmp_path: Path, tasks: list[Task], change: Any, said: str) -> None:
    gold, pred = write_files(tmp_path, GOLD, change(PRED))
    with pytest.raises(InputError, match=said):
        evaluate_file(gold, pred, tasks)


def test_a_row_of_gold_that_cannot_be_used_counts_in_no_figure(
    tmp_path: Path, tasks: list[Task], caplog: pytest.LogCaptureFixture
) -> None:
    """As `predict` reads the same file: it sets such a row aside, and predicts the others."""
    broken = gold_row("x1", "没有<b>这个标签")
    unlabelled = gold_row("x2", "")
    nameless = ["no", "object"]
    for name in ("whole", "broken"):
        (tmp_path / name).mkdir()
    whole = evaluate_file(*write_files(tmp_path / "whole", GOLD, PRED), tasks)
    pred = [*PRED, line("x1", "退款页面"), {"id": "sample 7", "error": "no turns"}, line("x2", "退款页面")]
    gold, path = write_files(tmp_path / "broken", [*GOLD, broken, nameless, unlabelled], pred)
    assert evaluate_file(gold, path, tasks).to_json() == whole.to_json() | {"set_aside": 3}
    assert "3 row(s) cannot be used" in caplog.text
    assert "x1" in caplog.text
    out = tmp_path / "out"
    words = ["evaluate", "--data", str(gold), "--pred", str(path), "--out", str(out)]
    result = CliRunner().invoke(cli, words)
    assert result.exit_code == 2
    assert f"3 row(s) of {gold} were set aside: {out / 'gold.bad.jsonl'}" in " ".join(result.stderr.split())
    rows = [json.loads(row) for row in (out / "gold.bad.jsonl").read_text("utf-8").splitlines()]
    assert [(row["id"], row["where"]) for row in rows] == [("x1", "sample 6"), (None, "sample 7"), ("x2", "sample 8")]
    assert [said in row["error"] for said, row in zip(("没有<b>这个标签", "", "no label"), rows, strict=True)] == [
        True
    ] * 3
    assert "3 row(s) of the data were set aside" in parse(out / "report.html").text
    assert "没有<b>这个标签" in parse(out / "report.html").text
    assert CliRunner().invoke(cli, [*words[:2], str(tmp_path / "whole" / "gold.json"), *words[3:]]).exit_code == 1
    gold.write_text(json.dumps(GOLD), "utf-8")
    path.write_text("".join(json.dumps(one) + "\n" for one in PRED), "utf-8")
    assert CliRunner().invoke(cli, words).exit_code == 0
    assert not (out / "gold.bad.jsonl").exists()
    gold.write_text(json.dumps([broken, nameless]), "utf-8")
    with pytest.raises(InputError, match=r"(?s)holds no sample.*x1"):
        evaluate_file(gold, path, tasks)


def test_a_row_of_gold_without_id_is_known_by_its_content_even_where_its_label_is_not(
    tmp_path: Path, tasks: list[Task]
) -> None:
    """`predict` does not look at the label, and calls the row by its content; two of the same content are two."""
    gold = [{key: value for key, value in row.items() if key != "id"} for row in GOLD]
    gold += [gold[3] | {"output": "没有这个标签"}, gold[3]]
    path = write_files(tmp_path, gold, [])[0]
    predicted = [
        line(row.id, "是否好用", task=row.task) for row in read_rows(path, tasks, "keep") if isinstance(row, Sample)
    ]
    assert len(predicted) == 7
    evaluation = evaluate_file(*write_files(tmp_path, gold, predicted), tasks)
    assert [bad.id for bad in evaluation.set_aside] == [predicted[5]["id"]]
    assert evaluation.pooled.n == 6


def test_a_line_cut_off_and_gold_without_labels(tmp_path: Path, tasks: list[Task]) -> None:
    gold, pred = write_files(tmp_path, GOLD, PRED)
    pred.write_bytes(pred.read_bytes()[:-20])
    with pytest.raises(InputError, match="line 5"):
        evaluate_file(gold, pred, tasks)
    unlabelled = [{k: v for k, v in row.items() if k != "output"} for row in GOLD]
    with pytest.raises(InputError, match=r"5 sample\(s\) have no label"):
        evaluate_file(*write_files(tmp_path, unlabelled, PRED), tasks)


def test_the_command_prints_the_figures(tmp_path: Path) -> None:
    gold, pred = write_files(tmp_path, GOLD, PRED)
    arguments = ["evaluate", "--data", str(gold), "--pred", str(pred), "--out", str(tmp_path / "out")]
    result = CliRunner().invoke(cli, arguments)
    assert result.exit_code == 0, result.output
    metrics = json.loads((tmp_path / "out" / "metrics.json").read_text("utf-8"))
    assert f"{metrics['mean_f1']:.4f}" in result.stdout
    assert f"{metrics['scene']['f1']:.4f}" in result.stdout
    assert "report.html" in result.stderr
    failed = CliRunner().invoke(cli, [*arguments[:-1], str(gold)])  # a file stands where the folder should
    assert isinstance(failed.exception, InputError)


def test_a_file_of_own_labels_belongs_to_the_task_that_was_predicted_whatever_its_name(tmp_path: Path) -> None:
    gold, pred = tmp_path / "test.csv", tmp_path / "pred.jsonl"
    gold.write_text("id,text,label\n1,where is it,delay\n2,money back,refund\n3,tell a joke,OTHER\n", "utf-8")
    lines = [{"id": str(n), "task": "shop", "label": label} for n, label in enumerate(("delay", "refund", "delay"), 1)]
    pred.write_text("".join(json.dumps(one) + "\n" for one in lines), "utf-8")
    arguments = ["evaluate", "--data", str(gold), "--pred", str(pred), "--out", str(tmp_path / "out")]
    made = CliRunner().invoke(cli, arguments)
    assert made.exit_code == 0, made.output
    assert json.loads((tmp_path / "out" / "metrics.json").read_text("utf-8"))["shop"]["n"] == 3

    task = tmp_path / "shop.yaml"
    labels = "labels: [{name: delay}, {name: refund}]"
    task.write_text(f"name: shop\ninput: dialogue\nprompt: Which?\nout_of_scope: OTHER\n{labels}\n", "utf-8")
    described = CliRunner().invoke(cli, [*arguments, "--task-file", str(task)])
    assert described.exit_code == 0, described.output
    assert json.loads((tmp_path / "out" / "metrics.json").read_text("utf-8"))["shop"]["n"] == 2


def test_samples_out_of_scope_have_a_table_of_their_own(tmp_path: Path, tasks: list[Task]) -> None:
    marking = [task.model_copy(update={"out_of_scope": "都不是"}) for task in tasks]
    strange = [gold_row("i3", "都不是", "讲个笑话"), gold_row("i4", "都不是", "今天下雨吗")]
    said = [line("i3", "是否好用", 0.5, in_scope=0.2, out_of_scope=True), line("i4", "是否好用", 0.5, in_scope=0.7)]
    plain, marked = tmp_path / "plain", tmp_path / "marked"
    plain.mkdir()
    marked.mkdir()
    before = evaluate_file(*write_files(plain, GOLD, PRED), tasks)
    evaluation = evaluate_file(*write_files(marked, [*GOLD, *strange], [*PRED, *said]), marking)
    assert evaluation.pooled == before.pooled
    assert set(evaluation.scope) == {"intent"}
    assert evaluation.scope["intent"].found == 0.5
    assert evaluation.to_json()["intent"]["scope"]["n"] == 2
    text = parse(write_evaluation(evaluation, tmp_path / "out")).text
    assert "In scope or not" in text
    assert "In scope or not" not in parse(write_evaluation(before, tmp_path / "out")).text
    with pytest.raises(InputError, match="every sample is marked as out of scope"):
        evaluate_file(*write_files(marked, strange, said), marking)
