"""Augmentation of one sample: what may change, what never does, and what the shipped words are."""

from __future__ import annotations

import random
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from kdsl.config import AugmentConfig
from kdsl.data.sample import Turn
from kdsl.errors import ConfigError
from kdsl.evidence.augment import (
    LATEST,
    MIN_AREA,
    augment_lines,
    augment_turns,
    load_words,
    random_view,
    says_something,
    seen_through,
)
from kdsl.evidence.types import OcrLine, Picture, PictureFacts
from kdsl.tasks import Task

SHIPPED = Path(AugmentConfig().synonyms)
WORDS = load_words(SHIPPED)
FACTS = PictureFacts("screenshot", True, False, False, 2.0, 0.2, 0.8, 0.1, 0.1, (0.0,) * 11, (0.0,) * 96)

spoken = st.lists(
    st.sampled_from(
        (
            "请问",
            "你好，",
            "这个",
            "会生锈吗",
            "什么时候",
            "补货",
            "亲，",
            "呢",
            "。",
            "<image>",
            "<http>",
            "please ",
            "😀",
        )
    ),
    max_size=6,
).map("".join)
dialogues = st.lists(st.tuples(st.sampled_from(("user", "agent")), spoken), min_size=1, max_size=9).map(
    lambda turns: tuple(Turn(role, text, text) for role, text in turns)
)
boxes = st.tuples(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1), st.floats(0, 1))
seeds = st.integers(0, 2**32)


def users(turns: tuple[Turn, ...]) -> list[str]:
    return [turn.raw for turn in turns if turn.role == "user"]


@settings(deadline=None)
@given(dialogues, seeds)
def test_the_user_is_heard_in_order_and_pictures_keep_their_numbers(turns: tuple[Turn, ...], seed: int) -> None:
    changed = augment_turns(turns, WORDS, random.Random(seed))
    assert len(changed) == len(turns)
    assert sorted(turn.raw for turn in changed) == sorted(turn.raw for turn in turns)
    assert users(changed) == users(turns)
    pairs = [(a, b) for a, b in zip(turns, changed, strict=True) if a.role == "user" and says_something(a.text)]
    for before, after in (*pairs[:1], *pairs[-LATEST:]):
        assert says_something(after.text), before
    for before, after in zip(turns, changed, strict=True):
        if "<image>" in before.text:  # a turn with a picture stays where it is
            assert after.raw == before.raw
        assert re.findall("<[a-z]+>", after.text) == re.findall("<[a-z]+>", before.text) or "<image>" not in before.text
    assert augment_turns(turns, WORDS, random.Random(seed)) == changed


def test_words_that_tell_a_label_are_left_alone() -> None:
    turns = tuple(Turn("user", text, text) for text in ("你好", "现在吗", "呢子大衣会掉色吗", "不锈钢的，会生锈吗"))
    for seed in range(50):
        said = [turn.text for turn in augment_turns(turns, WORDS, random.Random(seed))]
        assert said[1:] == ["现在吗", "呢子大衣会掉色吗", "不锈钢的，会生锈吗"]


def test_words_are_exchanged_left_out_and_agents_say_less() -> None:
    turns = (
        Turn("agent", "您好。请稍等。", ""),
        Turn("user", "请问为什么会生锈呢", ""),
        Turn("user", "Hello, could you tell me?", ""),
    )
    said = [[turn.text for turn in augment_turns(turns, WORDS, random.Random(seed))] for seed in range(80)]
    assert {"", "请稍等。您好。"} <= {texts[0] for texts in said}
    assert {"为啥会生锈", "请问一下为何会生锈呢"} <= {texts[1] for texts in said}
    assert any(texts[2].startswith(("Hi", "Hey")) for texts in said)
    assert any(texts[2].startswith("could you") for texts in said)  # no comma is left at the start


def test_words_of_any_script_with_spaces_are_exchanged_as_wholes(tmp_path: Path) -> None:
    (tmp_path / "words.yaml").write_text("same: [[где, когда], [été, hiver], [货, 商品]]\n", "utf-8")
    words = load_words(tmp_path / "words.yaml")
    turns = (Turn("user", "негде, où été gâté répété, A货", ""),)
    said = {augment_turns(turns, words, random.Random(seed))[0].text for seed in range(40)}
    assert said == {
        f"негде, où {season} gâté répété, A{goods}" for season in ("été", "hiver") for goods in ("货", "商品")
    }


def test_sentences_of_words_are_shuffled_with_spaces_between_them() -> None:
    turns = (Turn("agent", "Größe 3.5 passt. Wir helfen gern.", ""), Turn("agent", "您好。请稍等。", ""))
    said = [[turn.text for turn in augment_turns(turns, WORDS, random.Random(seed))] for seed in range(80)]
    assert "Wir helfen gern. Größe 3.5 passt." in {text for texts in said for text in texts}
    assert "请稍等。您好。" in {text for texts in said for text in texts}


@settings(deadline=None, max_examples=50)
@given(st.lists(st.text("加入购物车 0123O", min_size=1, max_size=12), max_size=8), seeds)
def test_lines_are_misread_by_the_seed_and_never_all_lost(texts: list[str], seed: int) -> None:
    lines = [OcrLine(text, 0.9, (5.0, 20.0 * i, 95.0, 20.0 * i + 10)) for i, text in enumerate(texts)]
    read = augment_lines(lines, random.Random(seed))
    assert bool(read) == bool(lines)
    assert read == augment_lines(lines, random.Random(seed))


@settings(deadline=None)
@given(st.integers(1, 3000), st.integers(1, 3000), st.lists(boxes, max_size=5), seeds)
def test_a_view_keeps_most_of_a_picture_and_its_boxes_inside(
    width: int, height: int, shares: list[tuple[float, ...]], seed: int
) -> None:
    lines = tuple(
        OcrLine("x", 1.0, (min(a, c) * width, min(b, d) * height, max(a, c) * width, max(b, d) * height))
        for a, b, c, d in shares
    )
    view = random_view(width, height, random.Random(seed))
    left, top, right, bottom = view.crop
    assert 0 <= left < right <= width
    assert 0 <= top < bottom <= height
    assert view.size[0] * view.size[1] >= MIN_AREA * width * height - 1e-6
    seen = seen_through(Picture("a.png", Path("a.png"), width, height, lines, FACTS), view)
    assert (seen.width, seen.height) == view.size
    assert len(seen.lines) <= len(lines)
    for line in seen.lines:
        assert 0 <= line.box[0] <= line.box[2] <= seen.width
        assert 0 <= line.box[1] <= line.box[3] <= seen.height
    kept = [line for line in lines if all(0 <= at <= side for at, side in zip(_moved(line, view), view.size))]  # noqa: B905
    assert len(seen.lines) == len(kept)


def _moved(line: OcrLine, view: object) -> tuple[float, float]:
    left, top, right, bottom = line.box
    return view.move((left + right) / 2, (top + bottom) / 2)  # type: ignore[attr-defined]


def test_boxes_move_with_the_pixels() -> None:
    image = Image.new("RGB", (300, 500), "white")
    image.paste("black", (200, 60, 220, 80))
    line = OcrLine("x", 1.0, (200.0, 60.0, 220.0, 80.0))
    for seed in range(5):
        view = random_view(300, 500, random.Random(seed))
        pixels = np.asarray(view.apply(image).convert("L"), np.float32)
        assert pixels.shape == (view.size[1], view.size[0])
        rows, columns = np.nonzero(pixels < 70)
        (seen,) = seen_through(Picture("a", Path("a"), 300, 500, (line,), FACTS), view).lines
        assert (columns.mean() + 0.5, rows.mean() + 0.5) == pytest.approx(
            ((seen.box[0] + seen.box[2]) / 2, (seen.box[1] + seen.box[3]) / 2), abs=1.5
        )
        assert np.array_equal(pixels, np.asarray(view.apply(image).convert("L"), np.float32))


@pytest.mark.parametrize("name", ["scene", "intent"])
def test_no_shipped_word_tells_labels_apart(name: str, request: pytest.FixtureRequest) -> None:
    task: Task = request.getfixturevalue(name)
    raw = yaml.safe_load(SHIPPED.read_text("utf-8"))
    for word in {word for group in (*raw["same"], *raw["small"]) for word in group}:
        find = re.compile(rf"(?<![a-z]){re.escape(word)}(?![a-z])", re.IGNORECASE)
        assert not [label.name for label in task.labels if find.search(label.name)], word
        told = [label.name for label in task.labels if find.search(f"{label.zh} {label.en}")]
        # single characters are dropped at the end of a clause only; protected words are never changed
        assert len(told) != 1 or len(word) == 1 or [word] in raw["same"], (word, told)


def test_faults_of_a_file_of_synonyms_are_listed(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("same: [[a, b], [B, c], [' ']]\nsmall: [['']]\n")
    with pytest.raises(ConfigError) as error:
        load_words(file)
    assert "3 fault(s)" in str(error.value)
    assert "'B' stands in two groups" in str(error.value)
    (tmp_path / "odd.yaml").write_text("sames: []\n")
    with pytest.raises(ConfigError, match=r"odd\.yaml: 2 fault"):
        load_words(tmp_path / "odd.yaml")
    with pytest.raises(ConfigError, match="cannot be read"):
        load_words(tmp_path / "none.yaml")


def test_augmentation_of_a_sample_loads_no_torch() -> None:
    code = "import kdsl.data, kdsl.evidence.augment, sys"
    subprocess.run([sys.executable, "-c", f"{code}; sys.exit('torch' in sys.modules)"], check=True)
