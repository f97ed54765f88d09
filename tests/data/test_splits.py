from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from helpers.own_shop import noise, write
from PIL import ImageEnhance

from kdsl.data.duplicates import fingerprints, near_duplicates, picture_groups, read_fingerprints
from kdsl.data.sample import Sample, Turn
from kdsl.data.splits import read_folds, stratified_folds, write_folds
from kdsl.errors import InputError


def sample(id_: str, task: str, label: str | None, image: str = "", *said: str) -> Sample:
    turns = tuple(Turn("user", text, text) for text in said)
    return Sample(id_, task, (image,) if image else (), turns, label)


DATA = [
    sample(f"{task}-{label}-{i}", task, label)
    for task, label, n in [("scene", "甲", 20), ("scene", "乙", 10), ("scene", "丙", 3), ("intent", "丁", 15)]
    for i in range(n)
]


def test_every_fold_has_its_share_of_every_label():
    folds = stratified_folds(DATA, 5, seed=3)
    assert list(folds) == [s.id for s in DATA]
    shares = Counter((s.label, folds[s.id]) for s in DATA)
    assert all(shares["甲", k] == 4 and shares["乙", k] == 2 and shares["丁", k] == 3 for k in range(5))
    assert max(shares["丙", k] for k in range(5)) == 1


def test_the_seed_decides():
    assert stratified_folds(DATA, 5, seed=3) == stratified_folds(DATA, 5, seed=3)
    assert stratified_folds(DATA, 5, seed=3) != stratified_folds(DATA, 5, seed=4)


def test_near_duplicates_share_a_fold():
    groups = [[f"scene-甲-{i}", f"scene-甲-{i + 1}"] for i in range(0, 20, 2)]
    folds = stratified_folds(DATA, 5, seed=3, together=groups)
    assert all(folds[a] == folds[b] for a, b in groups)


def test_more_folds_than_samples():
    with pytest.raises(InputError, match=r"task 'intent' has 15 distinct sample\(s\), too few for 16 folds"):
        stratified_folds(DATA, 16, seed=3)


def test_folds_are_read_back(tmp_path: Path):
    folds = stratified_folds(DATA, 5, seed=3)
    write_folds(tmp_path / "new" / "folds.json", folds)
    assert read_folds(tmp_path / "new" / "folds.json", folds) == folds


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"a": 0}, r"1 id\(s\) \(b\) of the data have no fold; make folds with `kdsl data split`"),
        ({"a": 0, "b": 1, "bb": 1}, r"1 id\(s\) \(bb\) are not in the data. Did you mean b\?"),
        ({"a": 0, "b": 2}, r"folds \[0, 2\] are used; expected at least two, from 0 with no gap"),
        ({"a": 0, "b": 0}, "expected at least two"),
        ({"a": 0, "b": "1"}, "sample 'b' has fold '1'"),
        ({"a": 0, "b": -1}, "has fold -1"),
        (["a"], "expected a mapping"),
    ],
)
def test_bad_folds_files(tmp_path: Path, content: object, message: str):
    with pytest.raises(InputError, match=message):
        read_folds(write(tmp_path / "folds.json", content), ["a", "b"])


def test_folds_file_missing_or_cut_off(tmp_path: Path):
    with pytest.raises(InputError, match="cannot be read"):
        read_folds(tmp_path / "folds.json", ["a"])
    (tmp_path / "folds.json").write_text('{"a": ')
    with pytest.raises(InputError, match="not valid JSON"):
        read_folds(tmp_path / "folds.json", ["a"])


@pytest.fixture
def lookalikes(images: Path) -> Path:
    """a.png again: as a smaller JPEG, and a little brighter."""
    picture = noise(0, (480, 640))
    picture.resize((240, 320)).save(images / "a-small.jpg", quality=60)
    ImageEnhance.Brightness(picture).enhance(1.1).save(images / "a-bright.png")
    return images


def test_pictures_that_look_the_same_are_grouped(lookalikes: Path):
    prints, bad = fingerprints(lookalikes, ["a.png", "b.png", "a-small.jpg", "a-bright.png", "c.png"], 100)
    groups = picture_groups(prints)
    assert not bad
    assert groups["a.png"] == groups["a-small.jpg"] == groups["a-bright.png"]
    assert len({groups["a.png"], groups["b.png"], groups["c.png"]}) == 3


def test_flat_pictures_are_alike_only_as_files(images: Path):
    from PIL import Image

    for name, colour in (("white.png", "white"), ("white-again.png", "white"), ("black.png", "black")):
        Image.new("RGB", (30, 30), colour).save(images / name)
    prints, _ = fingerprints(images, ["white.png", "white-again.png", "black.png"], 100)
    groups = picture_groups(prints)
    assert groups["white.png"] == groups["white-again.png"] != groups["black.png"]


def test_a_cut_off_jpeg_is_found_though_decoded_small(images: Path):
    noise(5, (1600, 1200)).save(images / "cut.jpg")
    (images / "cut.jpg").write_bytes((images / "cut.jpg").read_bytes()[:-2000])
    good, bad = fingerprints(images, ["a.png", "cut.jpg"], 100)
    assert list(good) == ["a.png"]
    assert "cut off" in bad["cut.jpg"]
    with pytest.raises(InputError, match=r"1 picture\(s\) cannot be read"):
        read_fingerprints(images, [sample("s", "scene", None, "cut.jpg")])


def test_near_duplicates(lookalikes: Path):
    long = "请问这一款不粘锅的内胆到底是什么材质做的呢"
    samples = [
        sample("s1", "scene", "甲", "a.png"),
        sample("s2", "scene", "甲", "a-small.jpg"),
        sample("s3", "scene", "甲", "b.png"),
        sample("d1", "intent", "丁", "a.png", "多少钱"),
        sample("d2", "intent", "丁", "a-small.jpg", " 多少钱？"),
        sample("d3", "intent", "丁", "b.png", "多少钱"),  # short words, another picture
        sample("d4", "intent", "丁", "c.png", f"{long}？12"),
        sample("d5", "intent", "丁", "d.png", f"<image> {long}"),
        sample("d6", "intent", "丁", "", "在吗"),
        sample("d7", "intent", "丁", "", "在吗"),  # no picture and no words that tell
    ]
    prints = read_fingerprints(lookalikes, samples)
    assert near_duplicates(samples, prints) == [["s1", "s2"], ["d1", "d2"], ["d4", "d5"]]
    assert near_duplicates(samples, {}) == [["d4", "d5"]]


def test_words_and_numbers_tell_dialogues_apart_in_every_script() -> None:
    asked = "Is the mattress A12-X delivered to my door?"
    samples = [
        sample("e1", "intent", "丁", "", asked),
        sample("e2", "intent", "丁", "", "is the MATTRESS a12-x delivered, to my door"),
        sample("e3", "intent", "丁", "", asked.replace("A12", "A13")),  # another product
        sample("s1", "intent", "丁", "", "what size is this one"),  # 17 letters, but five words
        sample("s2", "intent", "丁", "", "What size is this one?"),
        sample("m1", "intent", "丁", "", "请问这款iPhone15支持EMI分期付款吗怎么办"),
        sample("m2", "intent", "丁", "", "请问这款 iPhone15 支持emi分期付款吗，怎么办？"),
        sample("m3", "intent", "丁", "", "请问这款iPhone14支持EMI分期付款吗怎么办"),
        sample("n1", "intent", "丁", "", "Now here is the mattress that I have ordered"),
        sample("n2", "intent", "丁", "", "Nowhere is the mattress that I have ordered"),  # the same letters
    ]
    assert near_duplicates(samples, {}) == [["e1", "e2"], ["m1", "m2"]]


def test_labels_rarer_than_the_folds_are_spread_all_the_same() -> None:
    samples = [Sample(str(i), "scene", ("a.jpg",), (), f"label {i % 3}") for i in range(9)]
    folds = stratified_folds(samples, 5, seed=1)
    assert sorted(folds) == sorted(sample.id for sample in samples)
    assert {list(folds.values()).count(k) for k in range(5)} == {1, 2}
