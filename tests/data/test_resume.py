from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from kdsl.data.resume import content_digest
from kdsl.data.sample import Sample, Turn


@pytest.fixture
def sample(tmp_path: Path) -> Sample:
    for name, colour in (("a.png", "red"), ("b.png", "blue")):
        Image.new("RGB", (4, 4), colour).save(tmp_path / name)
    turns = (Turn("user", "<image> 我要退钱", "用户: <image>我要退钱"), Turn("agent", "好的", "客服: 好的"))
    return Sample("1", "intent", ("a.png", "b.png"), turns, "退款")


def test_the_digest_depends_on_what_a_prediction_depends_on(tmp_path: Path, sample: Sample):
    digest = content_digest(sample, tmp_path)
    other = [
        replace(sample, task="mood"),
        replace(sample, images=("b.png", "a.png")),
        replace(sample, images=("a.png",)),
        replace(sample, turns=sample.turns[:1]),
        replace(sample, turns=(replace(sample.turns[0], role="agent"), sample.turns[1])),
        replace(sample, turns=(replace(sample.turns[0], text="<image> 换大一码"), sample.turns[1])),
    ]
    assert len({digest, *(content_digest(changed, tmp_path) for changed in other)}) == len(other) + 1


def test_the_digest_depends_on_neither_id_nor_label_nor_a_pictures_name(tmp_path: Path, sample: Sample):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "copy.png").write_bytes((tmp_path / "a.png").read_bytes())
    same = [
        replace(sample, id="2"),
        replace(sample, label=None),
        replace(sample, images=("sub/copy.png", "b.png")),
        replace(sample, turns=(replace(sample.turns[0], raw="用户：<image>我要退钱"), sample.turns[1])),
    ]
    assert {content_digest(equal, tmp_path) for equal in same} == {content_digest(sample, tmp_path)}


def test_a_replaced_and_a_missing_picture_change_the_digest(tmp_path: Path, sample: Sample):
    before = content_digest(sample, tmp_path)
    Image.new("RGB", (4, 4), "green").save(tmp_path / "a.png")
    replaced = content_digest(sample, tmp_path)
    (tmp_path / "a.png").unlink()
    assert len({before, replaced, content_digest(sample, tmp_path)}) == 3
