"""The drawn screens: every label and family, what a line says about its picture, seeds, files, fonts."""

from __future__ import annotations

import json
import random
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from kdsl.data.readers import load_task_files, read_samples
from kdsl.errors import InputError
from kdsl.fonts import font_path
from kdsl.resources import resource
from kdsl.tasks import Task
from kdsl.world.draw import SHARD
from kdsl.world.evidence import SCALE, imagine
from kdsl.world.files import make_sample, write_world
from kdsl.world.screens import draw_screen, families
from kdsl.world.screens.display_list import font
from kdsl.world.screens.page import WIDTH, Page

EVERY = [(label, entry.name) for label, entries in families().items() for entry in entries]
PHOTO = "实物拍摄(含售后)"


@pytest.fixture(scope="module")
def scene() -> Task:
    return load_task_files([resource("configs/tasks/mire-scene.yaml")])[0]


@pytest.fixture(scope="module")
def intent() -> Task:
    return load_task_files([resource("configs/tasks/mire-intent.yaml")])[0]


def test_every_label_of_the_task_has_families_and_no_label_is_unknown(scene: Task) -> None:
    assert set(families()) == set(scene.names)
    assert min(len(entries) for entries in families().values()) >= 8
    assert len(set(EVERY)) == len(EVERY)


@pytest.mark.parametrize(("label", "family"), EVERY, ids=lambda value: str(value))
def test_a_family_draws_lines_inside_its_picture(label: str, family: str) -> None:
    screen = draw_screen(label, random.Random(4), scale=0.5, family=family)
    assert screen.family == family
    assert screen.image.mode == "RGB"
    assert np.asarray(screen.image).std() > 3, "the picture is blank"
    width, height = screen.image.size
    for line in screen.lines:
        assert line.text.strip()
        assert line.box[0] < width
        assert line.box[1] < height
        assert line.box[2] > 0
        assert line.box[3] > 0


def test_one_seed_is_one_picture_at_every_scale() -> None:
    small, again = (draw_screen("退款页面", random.Random(11), 1.0) for _ in range(2))
    large = draw_screen("退款页面", random.Random(11), 2.0)
    assert small.image.tobytes() == again.image.tobytes()
    assert small.lines == again.lines
    assert [line.text for line in large.lines] == [line.text for line in small.lines]
    assert abs(large.image.width - 2 * small.image.width) <= 2


def test_what_a_panel_covers_is_not_among_the_lines() -> None:
    page = Page(random.Random(1))
    page.text(20, 100, "被盖住的字", 14)
    page.text(20, 300, "看得见的字", 14)
    page.fill(0, 90, WIDTH, 130, (255, 255, 255))
    assert [line.text for line in page.paint(1.0)[1]] == ["看得见的字"]


def test_private_text_is_painted_over_when_the_user_redacts() -> None:
    page = Page(random.Random(1))
    page.redacts = True
    page.text(20, 100, "张三 13800000000", 14, private=True)
    page.text(20, 200, "退款成功", 14)
    assert [line.text for line in page.paint(1.0)[1]] == ["退款成功"]
    page.redacts = False
    assert len(page.paint(1.0)[1]) == 2


def test_failure_notices_are_always_in_the_picture() -> None:
    telling = (
        "失败",
        "限购",
        "库存",
        "再试",
        "不支持",
        "抢光",
        "下架",
        "异常",
        "上限",
        "人数",
        "名额",
        "未通过",
        "变更",
        "繁忙",
    )
    telling += ("不参与", "失效", "不可", "无法", "拥挤", "找相似", "火爆", "错误")
    for seed in range(60):
        screen = draw_screen("下单过程中出现异常（显示购买失败浮窗）", random.Random(seed), 0.5)
        text = "".join(line.text for line in screen.lines)
        assert any(word in text for word in telling), (seed, screen.family, text)


def test_photos_have_little_text() -> None:
    counts = [len(draw_screen(PHOTO, random.Random(seed), 0.4).lines) for seed in range(30)]
    assert np.median(counts) <= 3


def test_unknown_labels_and_families_are_refused_with_a_hint() -> None:
    with pytest.raises(InputError, match="Did you mean 退款页面"):
        draw_screen("退款页", random.Random(0))
    with pytest.raises(InputError, match=r"no layout family 'nothing'.*refund_done"):
        draw_screen("退款页面", random.Random(0), family="nothing")


def test_fonts_hold_common_characters_and_currency() -> None:
    blank = bytes(font("sans", 20).getmask("\ue000"))
    for face in ("sans", "hei"):
        assert font_path(face).stat().st_size < 2_500_000
        for char in "退款详情裹￥¥→←✓★●①「×":
            assert bytes(font(face, 20).getmask(char)) != blank, (face, char)


def test_samples_are_balanced_and_each_stands_alone(scene: Task, intent: Task) -> None:
    made = [make_sample(scene, index, seed=5, scale=0.3) for index in range(46)]
    assert sorted(one.sample.label or "" for one in made) == sorted(scene.names * 2)
    alone = make_sample(scene, 31, seed=5, scale=0.3)
    assert alone.sample == made[31].sample
    assert alone.lines == made[31].lines
    talk = make_sample(intent, 3, seed=5, scale=0.3)
    assert talk.sample.label == intent.names[3]
    assert talk.sample.turns
    assert len(talk.images) == len(talk.sample.images) == len(talk.lines) >= 1


def test_samples_are_not_those_that_a_fit_of_the_same_seed_imagines(scene: Task, intent: Task) -> None:
    talks = {evidence.sample.turns for evidence in imagine(intent, 1, 17)}
    assert not any(make_sample(intent, index, 17, SCALE).sample.turns in talks for index in range(len(talks)))
    read = {evidence.ocr_text for evidence in imagine(scene, 1, 17)} - {""}
    for index in range(len(scene.names)):
        (lines,) = make_sample(scene, index, 17, SCALE).lines
        assert "\n".join(line.text for line in lines) not in read


def test_a_world_is_written_as_the_challenge_writes_its_data(tmp_path: Path, scene: Task, intent: Task) -> None:
    write_world(tmp_path, 1, 7, [scene, intent], scale=0.3, workers=1)
    samples = read_samples(tmp_path / "train.json", [scene, intent])
    assert len(samples) == 46
    ocr = {row["image"]: row for row in map(json.loads, (tmp_path / "ocr.jsonl").read_text("utf-8").splitlines())}
    for sample in samples:
        for name in sample.images:
            with Image.open(tmp_path / "images" / name) as picture:
                assert picture.size == (ocr[name]["width"], ocr[name]["height"])
    lines = [line for row in ocr.values() for line in row["lines"]]
    assert all(len(line["box"]) == 4 and 0 < line["score"] <= 1 for line in lines)


def test_a_stopped_world_goes_on_and_a_finished_one_is_left(tmp_path: Path, scene: Task) -> None:
    per_label = SHARD // 23 + 1
    stopped, straight = tmp_path / "stopped", tmp_path / "straight"
    obstacle = stopped / "images" / f"scene-7-{SHARD:06d}-0.jpg"
    obstacle.mkdir(parents=True)  # the first picture of the second part cannot be saved
    with pytest.raises(IsADirectoryError):
        write_world(stopped, per_label, 7, [scene], scale=0.2, workers=1)
    assert not (stopped / "train.json").exists()
    first = stopped / "images" / "scene-7-000000-0.jpg"
    drawn = first.stat().st_mtime_ns
    obstacle.rmdir()
    write_world(stopped, per_label, 7, [scene], scale=0.2, workers=1)
    assert first.stat().st_mtime_ns == drawn, "what was drawn before the stop is not drawn again"
    write_world(straight, per_label, 7, [scene], scale=0.2, workers=1)
    for name in ("train.json", "ocr.jsonl"):
        assert (stopped / name).read_bytes() == (straight / name).read_bytes()
    finished = (stopped / "train.json").stat().st_mtime_ns
    write_world(stopped, per_label, 7, [scene], scale=0.2, workers=1)
    assert (stopped / "train.json").stat().st_mtime_ns == finished


def test_a_world_needs_a_positive_size(tmp_path: Path, scene: Task) -> None:
    with pytest.raises(InputError, match="per_label is 0"):
        write_world(tmp_path, 0, 7, [scene])


def test_blind_families_alone_draw_every_label(scene: Task) -> None:
    blind = {entry.name for entries in families().values() for entry in entries if entry.blind}
    assert len(blind) == 107
    for label in scene.names:
        drawn = {draw_screen(label, random.Random(seed), 0.25, blind=True).family for seed in range(3)}
        assert drawn <= blind
