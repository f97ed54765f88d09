"""Folders as data: one subfolder of pictures per label, pictures alone, and datasets of Hugging Face."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers.own_shop import noise

from kdsl.data.check import check
from kdsl.data.folders import folder_rows, picture_root
from kdsl.data.notes import Notes
from kdsl.data.own_task import tasks_for
from kdsl.data.pictures import open_picture
from kdsl.data.readers import load_task_files, read_samples
from kdsl.errors import InputError


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    for number, name in enumerate(("apple/1.jpg", "apple/2.PNG", "pear/1.webp", "pear/2.jpeg", "pear/.hidden.jpg")):
        file = tmp_path / "photos" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        noise(number).save(file)
    (tmp_path / "photos" / ".cache").mkdir()
    (tmp_path / "photos" / ".cache" / "x.jpg").write_bytes(b"")
    return tmp_path / "photos"


def test_each_subfolder_is_a_label(photos: Path):
    (task,) = tasks_for([photos], load_task_files([]))
    assert (task.name, task.input, task.names) == ("photos", "picture", ("apple", "pear"))
    samples = read_samples(photos, [task])
    assert [(s.id, s.images, s.label) for s in samples] == [
        (name, (name,), name.split("/")[0]) for name in ("apple/1.jpg", "apple/2.PNG", "pear/1.webp", "pear/2.jpeg")
    ]
    assert open_picture(picture_root([photos], Path("elsewhere")), samples[0].images[0], 1).size == (48, 64)
    assert check(photos, [task], Path("elsewhere")).missing == {}


def test_pictures_alone_have_no_label(photos: Path):
    assert [row.value["label"] for row in folder_rows(photos / "pear", Notes())] == [None, None]


def test_what_is_not_read_is_noted(photos: Path):
    (photos / "pear" / "notes.txt").write_text("ripe", "utf-8")
    (photos / "pear" / "more").mkdir()
    noise(9).save(photos / "pear" / "more" / "3.jpg")
    notes = Notes()
    assert len(list(folder_rows(photos, notes))) == 4
    deeper, other = notes.lines()
    assert "deeper than one subfolder per label are not read (1 time(s), first in pear/more/3.jpg)" in deeper
    assert "are no pictures are not read (1 time(s), first in pear/notes.txt)" in other


def test_a_folder_is_read_alone(photos: Path, tmp_path: Path):
    with pytest.raises(InputError, match="is read alone"):
        picture_root([photos, tmp_path / "more.csv"], Path())
    (tmp_path / "none").mkdir()
    with pytest.raises(InputError, match="is a folder without pictures"):
        list(folder_rows(tmp_path / "none", Notes()))


def test_a_dataset_of_texts_has_its_classes_by_name(tmp_path: Path):
    datasets = pytest.importorskip("datasets")
    features = datasets.Features(
        {"text": datasets.Value("string"), "label": datasets.ClassLabel(names=["delay", "refund"])}
    )
    rows = {"text": ["where is it", "money back", "hello"], "label": [0, 1, -1]}
    whole = datasets.Dataset.from_dict(rows, features=features)
    whole.save_to_disk(str(tmp_path / "shop"))
    (task,) = tasks_for([tmp_path / "shop"], load_task_files([]))
    samples = read_samples(tmp_path / "shop", [task])
    assert [(s.turns[0].text, s.label) for s in samples] == [
        ("where is it", "delay"),
        ("money back", "refund"),
        ("hello", None),
    ]
    datasets.DatasetDict({"train": whole, "test": whole}).save_to_disk(str(tmp_path / "both"))
    with pytest.raises(InputError, match="holds the splits test, train of a dataset; give one"):
        read_samples(tmp_path / "both", [task])


def test_a_dataset_of_pictures_holds_their_content(photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    datasets = pytest.importorskip("datasets")
    monkeypatch.setenv("KDSL_CACHE", str(tmp_path / "cache"))
    features = datasets.Features({"image": datasets.Image(), "label": datasets.ClassLabel(names=["apple", "pear"])})
    content = [(photos / name).read_bytes() for name in ("apple/1.jpg", "pear/1.webp")]
    rows = {"image": [{"bytes": one, "path": None} for one in content], "label": [0, 1]}
    datasets.Dataset.from_dict(rows, features=features).save_to_disk(str(tmp_path / "fruit"))
    (task,) = tasks_for([tmp_path / "fruit"], load_task_files([]))
    samples = read_samples(tmp_path / "fruit", [task])
    assert [s.label for s in samples] == ["apple", "pear"]
    assert open_picture(tmp_path / "fruit", samples[1].images[0], 1).size == (48, 64)
