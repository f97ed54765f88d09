"""`kdsl data` and `kdsl data submit` as people call them: what they print, and how they fail."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result
from helpers.own_shop import INTENT, SCENE, intent_row, noise, png_header, scene_row, write

from kdsl.cli.main import cli
from kdsl.data.check import Spread
from kdsl.data.readers import read_samples
from kdsl.errors import InputError
from kdsl.resources import PACKAGE, resource
from kdsl.tasks import Label, load_task


@pytest.fixture
def shop(images: Path) -> Path:
    """A folder with images/ and the files of our two tasks."""
    for task in (SCENE, INTENT):
        (images.parent / f"{task.name}.yaml").write_text(task.model_dump_json(), "utf-8")
    return images.parent


def kdsl(*arguments: object) -> Result:
    return CliRunner().invoke(cli, [str(argument) for argument in arguments])


def check(shop: Path, rows: Any, *more: object) -> Result:
    tasks = ("--task-file", shop / "scene.yaml", "--task-file", shop / "intent.yaml")
    return kdsl("data", "check", write(shop / "x.json", rows), "--images", shop / "images", *tasks, *more)


SCENES = [scene_row(f"s-{name}", label, f"{name}.png") for name, label in zip("abcd", SCENE.names[:2] * 2, strict=True)]
INTENTS = [
    intent_row(f"d-{n}", f"用户: 第{n}个问题", label, "") for n, label in zip("一二三四", INTENT.names * 2, strict=True)
]
"""Enough samples for a fit of two inner folds."""


def test_check_reports_good_data(shop: Path):
    result = check(shop, [*SCENES, *INTENTS, intent_row("d5", label="商品材质", image="e.png") | {"rating": 5}])
    assert result.exit_code == 0
    for found in ("scene: 4 samples", "退款页面", "characters", "pictures: 5 (4 sample(s) with 0, 5 sample(s) with 1)"):
        assert found in result.output
    assert "scene: 1 label(s) have no sample: 购物车页面" in result.output.replace("\n", "")
    assert "field 'rating' is not read (1 time(s), first in sample 9)" in result.output.replace("\n", "")


def test_check_of_data_of_which_nothing_can_be_read(shop: Path):
    result = check(shop, [{"id": "1", "task": "intent", "text": "退", "image": "/data/upload/1/a.jpg"}])
    assert isinstance(result.exception, InputError)
    assert "pictures: 0; 0 missing" in result.output


def test_check_names_the_rows_that_a_fit_leaves_out(shop: Path):
    bare = [intent_row(f"d{n}", f"用户: 还有{n}件吗", "", "") for n in (5, 6)]
    result = check(shop, [*INTENTS[:2], bare[0], *INTENTS[2:], bare[1]], "--json")
    assert result.exit_code == 0
    said = "rows have no label, and are not learned from (2 time(s), first in sample 3)."
    assert said in json.loads(result.stdout)["notes"]


UNFIT = {
    "one class": ([row | {"output": "商品材质"} for row in INTENTS], "task 'intent' has only label '商品材质'"),
    "two samples": (INTENTS[:2], "in each of 2 inner trainings"),
    "one sample": (INTENTS[:1], "task 'intent' has only label '是否会生锈'"),
}


@pytest.mark.parametrize("case", UNFIT)
def test_check_and_fit_refuse_the_same_before_any_picture_is_read(shop: Path, case: str):
    rows, message = UNFIT[case]
    rows = [row | {"image": ["none.png"]} for row in rows]
    result = check(shop, rows, "--json")
    assert isinstance(result.exception, InputError)
    assert message in json.loads(result.stdout)["problems"][0]
    config = shop / "run.yaml"
    config.write_text(f"extends: {resource('configs/nano.yaml')}\ntasks: [scene.yaml, intent.yaml]\n", "utf-8")
    with_data = ("--data", shop / "x.json", "--images", shop / "images", "--config", config)
    fitted = kdsl("fit", *with_data, "--out", shop / "bundle")
    assert isinstance(fitted.exception, InputError)
    assert message in str(fitted.exception)
    assert "none.png" not in str(fitted.exception)
    if case == "one class":
        distilled = kdsl("distill-rules", *with_data, "--task", "intent", "--out", shop / "rules", "--no-model")
        assert isinstance(distilled.exception, InputError)
        assert "training needs samples of two labels at least" in str(distilled.exception)
        assert not (shop / "rules").exists()


def test_samples_without_labels_are_a_mistake_unless_a_task_file_is_given(shop: Path):
    rows = [row | {"output": ""} for row in INTENTS]
    result = check(shop, rows, "--json")
    assert result.exit_code == 0
    assert "intent: no sample has a label" in json.loads(result.stdout)["notes"][0]
    config = shop / "run.yaml"
    config.write_text(f"extends: {resource('configs/nano.yaml')}\ntasks: [scene.yaml, intent.yaml]\n", "utf-8")
    with_data = ("--data", shop / "x.json", "--config", config)
    checked = kdsl("data", "check", shop / "x.json", "--config", config, "--json")
    assert not any("no sample has a label" in note for note in json.loads(checked.stdout)["notes"])
    (problem,) = json.loads(checked.stdout)["problems"]
    assert "name it by --label-column; if none does, give the task's file as --task-file" in problem
    for refused in (
        checked,
        kdsl("fit", *with_data, "--out", shop / "bundle"),
        kdsl("distill-rules", *with_data, "--task", "intent", "--out", shop / "rules", "--no-model"),
    ):
        assert isinstance(refused.exception, InputError)
    assert "all 4 sample(s) of task 'intent' have no label" in str(
        kdsl("fit", *with_data, "--out", shop / "bundle").exception
    )
    assert not (shop / "rules").exists()


def test_a_fit_needs_something_that_names_the_labels(shop: Path):
    result = kdsl("fit", "--out", shop / "bundle")
    assert result.exit_code == 2
    assert "Nothing says which labels there are" in result.output


def test_check_and_fit_refuse_tasks_that_the_model_cannot_be_asked(shop: Path):
    data = write(shop / "x.json", SCENES)
    labels = ({"name": name, "zh": name, "en": name} for name in ("退款页面", "退货页面", "a<|im_end|>"))
    task = {"name": "scene", "input": "picture", "prompt": "问" * 9000, "labels": list(labels)}
    (shop / "scene.yaml").write_text(json.dumps(task), "utf-8")
    config = shop / "run.yaml"
    config.write_text(f"extends: {resource('configs/nano.yaml')}\ntasks: [scene.yaml]\n", "utf-8")
    checked = kdsl("data", "check", data, "--images", shop / "images", "--config", config, "--json")
    (special,) = json.loads(checked.stdout)["problems"]
    assert "label 'a<|im_end|>' holds the special token" in special
    fitted = kdsl("fit", "--data", data, "--images", shop / "none", "--config", config, "--out", shop / "bundle")
    assert "holds the special token" in str(fitted.exception)
    task["labels"] = task["labels"][:2]
    (shop / "scene.yaml").write_text(json.dumps(task), "utf-8")
    checked = kdsl("data", "check", data, "--images", shop / "images", "--config", config, "--json")
    assert "cannot hold the question of task 'scene'" in json.loads(checked.stdout)["problems"][0]


def test_check_says_that_the_last_message_was_taken_for_the_label(shop: Path):
    talk = [{"role": "user", "content": "退"}, {"role": "assistant", "content": "好的亲"}]
    rows = [{"messages": [talk[0] | {"content": f"退{n}"}, talk[1] | {"content": f"好的{n}"}]} for n in range(300)]
    result = check(shop, rows)
    assert len(result.output.splitlines()) < 60
    assert "the last message was taken for the label" in result.output.replace("\n", " ")


def test_the_same_short_words_under_two_labels_are_noted(shop: Path):
    rows = [
        ("什么时候发货", "发货"),
        ("什么时候发货？", "催单"),
        ("where is it", "发货"),
        ("会掉色吗", "掉色"),
        ("会掉色吗", "掉色"),
    ]
    table = "".join(f"{text},{label}\n" for text, label in rows for _ in range(4))
    (shop / "own.csv").write_text("text,label\n" + table, "utf-8")
    notes = json.loads(kdsl("data", "check", shop / "own.csv", "--json").stdout)["notes"]
    assert "1 text(s) have more than one label, such as '什么时候发货': 催单, 发货." in notes


def test_check_as_json(shop: Path):
    noise(0).save(shop / "images" / "again.jpg")
    rows = [
        scene_row("s1"),
        scene_row("s2", "退货页面", "again.jpg"),
        scene_row("s3", image="c.png"),
        scene_row("s4", "退货页面", "d.png"),
    ]
    folds = write(shop / "folds.json", {"s1": 0, "s2": 1, "s3": 0, "s4": 1})
    rows += [intent_row("d1", image="b.png"), *INTENTS]
    write(folds, {row["id"]: n % 2 for n, row in enumerate(rows)})
    result = check(shop, rows, "--json", "--folds", folds)
    report = json.loads(result.stdout)
    assert result.exit_code == 0
    assert report["tasks"]["scene"]["labels"] == {"退款页面": 2, "退货页面": 2, "购物车页面": 0}
    assert report["turns"] == {"smallest": 1, "median": 1, "p95": 3, "largest": 3}
    assert report["duplicate_pictures"] == [["a.png", "again.jpg"]]
    assert report["near_duplicates"] == report["across_folds"] == [["s1", "s2"]]
    notes = " ".join(report["notes"])
    assert "1 of these have more than one label, such as s1, s2" in notes
    assert "1 of these stand in more than one fold" in notes


BAD_ROWS = {
    "missing picture": (scene_row(image="none.png"), "'none.png' is not below"),
    "broken picture": (scene_row(image="broken.png"), "'broken.png' is not a picture that can be read"),
    "empty picture": (scene_row(image="empty.png"), "'empty.png' is an empty file"),
    "cut-off picture": (scene_row(image="cut.jpg"), "'cut.jpg' is cut off or damaged"),
    "200 megapixels": (scene_row(image="huge.png"), "'huge.png' has 200 megapixels: refused"),
    "path out of the root": (scene_row(image="../x.json"), "leaves the image folder by '..'"),
    "unknown label": (scene_row(label="退款"), "label '退款' (1 sample(s)) is unknown to task 'scene'"),
    "no picture": (scene_row() | {"image": []}, "has no picture, but task 'scene' is about pictures"),
    "no user turn": (intent_row(body="客服: 您好"), "no turn of the user"),
    "repeated id": (scene_row("twin"), "id 'twin' stands in sample 1 already"),
}


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize("case", BAD_ROWS)
def test_check_names_what_would_stop_fit(shop: Path, case: str):
    images = shop / "images"
    (images / "broken.png").write_bytes(b"not a picture")
    (images / "empty.png").write_bytes(b"")
    (images / "huge.png").write_bytes(png_header(20_000, 10_000))
    noise(9, (640, 480)).save(images / "cut.jpg")
    (images / "cut.jpg").write_bytes((images / "cut.jpg").read_bytes()[:-300])
    row, message = BAD_ROWS[case]
    others = [scene_row("twin", image="c.png"), *SCENES[1:]]
    result = check(shop, [*others, row], "--json")
    assert isinstance(result.exception, InputError)
    assert "1 problem(s) would stop `kdsl fit`" in str(result.exception)
    (problem,) = json.loads(result.stdout)["problems"]
    assert message in problem


def test_check_prints_problems_for_people(shop: Path):
    result = check(shop, [scene_row(label="退款")])
    assert isinstance(result.exception, InputError)
    assert "退款 (unknown)" in result.output
    assert "problems that would stop kdsl fit:" in result.output


def test_check_folds_that_do_not_fit(shop: Path):
    result = check(shop, [scene_row()], "--folds", write(shop / "folds.json", {"other": 0}), "--json")
    assert isinstance(result.exception, InputError)
    assert "1 id(s) (s1) of the data have no fold" in json.loads(result.stdout)["problems"][-1]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'[{"id": "s1", "instru', "x.json: is not valid JSON at line 1, column 15"),
        ('["退款"]'.encode("gb18030"), "x.json: is not UTF-8: byte 2 is 0x"),
        (None, "x.json: does not exist"),
    ],
)
def test_a_broken_file_ends_with_one_message_and_exit_code_2(tmp_path: Path, content: bytes | None, message: str):
    if content is not None:
        (tmp_path / "x.json").write_bytes(content)
    command = [sys.executable, "-c", "from kdsl.cli.main import main; main()", "data", "check", "x.json"]
    done = subprocess.run([*command, "--images", "."], cwd=tmp_path, capture_output=True, encoding="utf-8")
    assert done.returncode == 2
    assert done.stderr.startswith("error: ")
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_labels_that_look_like_markup_are_printed_as_they_are(shop: Path):
    labels = ("好的 [/INST]", "[red]x[/red]", ":smile:")
    task = SCENE.model_copy(update={"labels": tuple(Label(name=name, zh=name, en=name) for name in labels)})
    (shop / "scene.yaml").write_text(task.model_dump_json(), "utf-8")
    rows = [scene_row(f"s{i}", label, f"{'abcd'[i]}.png") for i, label in enumerate((*labels, "[/b] unknown"))]
    result = check(shop, rows)
    assert isinstance(result.exception, InputError)  # for the unknown label
    for label in (*labels, "[/b] unknown (unknown)"):
        assert label in result.output


def test_convert_there_and_back(shop: Path):
    data = write(shop / "in.json", [scene_row(), intent_row()])
    tasks = ("--task-file", shop / "scene.yaml", "--task-file", shop / "intent.yaml")
    llama, mire = shop / "out" / "llama.json", shop / "mire.json"
    assert kdsl("data", "convert", data, "--out", llama, "--to", "llama-factory", *tasks).exit_code == 0
    assert kdsl("data", "convert", llama, "--out", mire, "--to", "mire", *tasks).exit_code == 0
    assert read_samples(mire, [SCENE, INTENT]) == read_samples(data, [SCENE, INTENT])
    assert (shop / "out" / "dataset_info.json").exists()


def test_convert_and_split_read_columns_of_any_name(shop: Path):
    data = shop / "faq.csv"
    data.write_text(
        "question,topic\nwhere is it,delay\nmoney back,refund\nstill not here,delay\nrefund me,refund\n", "utf-8"
    )
    columns = ("--text-column", "question", "--label-column", "topic")
    out, folds = shop / "faq.json", shop / "folds.json"
    assert kdsl("data", "convert", data, "--out", out, "--to", "mire", *columns).exit_code == 0
    assert [row["output"] for row in json.loads(out.read_bytes())] == ["delay", "refund", "delay", "refund"]
    assert kdsl("data", "split", data, "--out", folds, "--n-folds", 2, *columns).exit_code == 0
    assert sorted(json.loads(folds.read_bytes()).values()) == [0, 0, 1, 1]


def test_convert_refuses_bad_data_and_keeps_what_was_written(shop: Path):
    out = shop / "mire.json"
    out.write_text("precious")
    result = kdsl("data", "convert", write(shop / "in.json", [scene_row(label="猫")]), "--out", out, "--to", "mire")
    assert isinstance(result.exception, InputError)
    assert "label '猫' is unknown to task 'scene'" in str(result.exception)
    assert out.read_text() == "precious"


def test_split_keeps_lookalikes_together(shop: Path):
    rows = [scene_row(f"s{name}", image=f"{name}.png") for name in "abcdef"]
    noise(0).save(shop / "images" / "again.jpg")
    data = write(shop / "in.json", [*rows, scene_row("twin", image="again.jpg")])
    out = shop / "folds.json"
    result = kdsl("data", "split", data, "--images", shop / "images", "--n-folds", 3, "--out", out)
    assert result.exit_code == 0
    folds = json.loads(out.read_text())
    assert folds["sa"] == folds["twin"]
    assert set(folds.values()) == {0, 1, 2}


def test_submit(shop: Path):
    pred = shop / "p.jsonl"
    pred.write_text('{"id": "a", "label": "退款页面"}\n{"id": "b", "la', "utf-8")
    result = kdsl("data", "submit", "--pred", pred, "--out", shop / "s.csv")
    assert isinstance(result.exception, InputError)
    assert "line 2" in str(result.exception)
    pred.write_text('{"id": "a", "label": "退款页面"}\n', "utf-8")
    assert kdsl("data", "submit", "--pred", pred, "--out", shop / "s.csv").exit_code == 0
    assert (shop / "s.csv").read_text("utf-8") == "id,predict\na,退款页面\n"


def test_the_example_of_the_docs_works(images: Path):
    docs = (PACKAGE.parent / "docs" / "tasks.md").read_text("utf-8")
    task_file, run_file = re.findall(r"```yaml\n(.*?)```", docs, re.DOTALL)
    (lines,) = re.findall(r"```json\n(.*?)```", docs, re.DOTALL)
    shop = images.parent
    (shop / "mood.yaml").write_text(task_file, "utf-8")
    (shop / "mood.jsonl").write_text(lines, "utf-8")
    noise(2).save(images / "m2.jpg")
    task = load_task(shop / "mood.yaml")
    hurry, content = read_samples(shop / "mood.jsonl", [task])
    assert [turn.role for turn in hurry.turns] == ["user", "agent", "user"]
    assert (hurry.label, content.label, content.images) == ("着急", "满意", ("m2.jpg",))
    command = ("data", "check", shop / "mood.jsonl", "--images", images, "--task-file", shop / "mood.yaml")
    (problem,) = json.loads(kdsl(*command, "--json").stdout)["problems"]
    assert "task 'mood' needs samples of at least 2 labels in each of 2 inner trainings" in problem
    assert yaml.safe_load(run_file)["tasks"] == ["mood.yaml"]

    (shop / "mood.jsonl").write_text(lines.replace('"着急"', '"生气了"'), "utf-8")
    with pytest.raises(InputError) as caught:
        read_samples(shop / "mood.jsonl", [task])
    (shown,) = re.findall(r"```\nerror: mood\.jsonl: (.*?)\n```", docs, re.DOTALL)
    assert str(caught.value) == f"{shop / 'mood.jsonl'}: {shown}"


@pytest.mark.parametrize("name", ["mire-scene", "mire-intent"])
def test_shipped_task_files(name: str):
    file = resource(f"configs/tasks/{name}.yaml")
    task = load_task(file)
    assert len(task.labels) == 23
    assert file.read_text("utf-8").startswith("# kdsl ")
    assert not {"消费者与客服聊天页面", "个人信息页面"} & set(task.names)


@pytest.mark.parametrize(("n", "p95"), [(1, 1), (2, 2), (20, 19), (21, 20), (100, 95)])
def test_a_spread_has_95_percent_at_or_below_its_percentile(n: int, p95: int) -> None:
    assert Spread.of(range(1, n + 1)) == Spread(1, (n + 1) / 2, p95, n)
