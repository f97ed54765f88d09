"""Augmented copies: how many each class gets, what they are called, what a training makes of them, the preview."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import torch
from click.testing import CliRunner
from helpers.trainings import train
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from kdsl.cli.main import cli
from kdsl.config import AugmentConfig, Config
from kdsl.config_file import load_config
from kdsl.data.sample import Sample, Turn
from kdsl.evaluation.contact_sheet import CELL, MARGIN, changes, contact_sheet, spread, write_contact_sheet
from kdsl.evidence.types import Evidence
from kdsl.models.base import LoadedModel
from kdsl.models.chat import frame_of
from kdsl.models.encode import encode
from kdsl.models.features import PictureFeatures
from kdsl.models.prompts import build_prompt
from kdsl.tasks import Task
from kdsl.training.augmentation import augmented

RARE, ALL = AugmentConfig(policy="rare"), AugmentConfig(policy="all")


def _many(sizes: dict[str, int], task: str = "care") -> list[Evidence]:
    return [
        Evidence(Sample(f"{label}{i}", task, (), (Turn("user", f"请问{label}会怎么样呢{i}", ""),), label), ())
        for label, size in sizes.items()
        for i in range(size)
    ]


def _sizes(evidences: list[Evidence]) -> Counter[str | None]:
    return Counter(e.sample.label for e in evidences)


def test_policies_fill_rare_classes_to_the_median() -> None:
    samples = _many({"a": 3, "b": 5, "c": 9})
    assert augmented(samples, AugmentConfig(), 1) == samples
    assert _sizes(augmented(samples, RARE, 1)) == {"a": 5, "b": 5, "c": 9}
    assert _sizes(augmented(samples, ALL, 1)) == {"a": 10, "b": 10, "c": 18}
    # tasks are weighed apart, and samples without a label are left as they are
    other = _many({"d": 1, "e": 2, "f": 2}, "other")
    unknown = replace(samples[0], sample=replace(samples[0].sample, id="u", label=None))
    assert _sizes(augmented([*samples, *other, unknown], RARE, 1)) == {
        "a": 5, "b": 5, "c": 9, "d": 2, "e": 2, "f": 2, None: 1,
    }  # fmt: skip


@settings(deadline=None, max_examples=40)
@given(st.lists(st.integers(1, 7), min_size=2, max_size=5), st.sampled_from((RARE, ALL)), st.integers(0, 99))
def test_copies_have_their_labels_and_ids_of_their_own_in_any_order(
    sizes: list[int], config: AugmentConfig, seed: int
) -> None:
    samples = _many({f"label{i}-": size for i, size in enumerate(sizes)})
    made = augmented(samples, config, seed)
    assert made[: len(samples)] == samples
    assert made == augmented(samples, config, seed)
    ids = [e.sample.id for e in made]
    assert len(set(ids)) == len(ids)
    origin = {e.sample.id: e.sample for e in samples}
    per_sample = Counter()
    for copy in made[len(samples) :]:
        id, plus, number = copy.sample.id.rpartition("+")
        assert plus
        assert int(number) >= 1
        assert (copy.sample.label, copy.sample.task) == (origin[id].label, origin[id].task)
        per_sample[id] += 1
    if config is ALL:
        assert per_sample.keys() == origin.keys()
    for label in {sample.label for sample in origin.values()}:  # a class's copies are shared by its samples
        shares = [per_sample[id] for id, sample in origin.items() if sample.label == label]
        assert max(shares) - min(shares) <= 1
    shuffled = random.Random(seed).sample(samples, len(samples))
    assert sorted(map(repr, augmented(shuffled, config, seed))) == sorted(map(repr, made))


def test_an_id_that_is_taken_is_passed_over() -> None:
    samples = _many({"a": 1, "b": 1})
    taken = replace(samples[0], sample=replace(samples[0].sample, id="a0+1"))
    ids = [e.sample.id for e in augmented([*samples, taken], ALL, 1)]
    assert ids == ["a0", "b0", "a0+1", "a0+2", "b0+1", "a0+1+1"]


def test_views_reach_the_model_and_the_file_stays(
    load_tiny: Callable[..., LoadedModel], dialogues: list[Evidence], care: Task, small_config: Config
) -> None:
    loaded = load_tiny()
    original = dialogues[2]
    before = [picture.path.read_bytes() for picture in original.pictures]
    copy = augmented(dialogues, ALL, 3)[len(dialogues) + 2]
    assert copy.sample.id == "s2+1"
    assert all(picture.view for picture in copy.pictures)
    prompts = [build_prompt(e, care, small_config.prompt, frame_of(loaded)) for e in (original, copy)]
    # of one size, so that it is the view alone that tells them apart
    sizes = [picture.size for picture in prompts[0].pictures]
    shown = tuple(replace(p, size=size) for p, size in zip(prompts[1].pictures, sizes, strict=True))
    prompts[1] = replace(prompts[1], pictures=shown)
    first, second = (encode(loaded, [prompt]).tensors["pixel_values"] for prompt in prompts)
    assert first.shape == second.shape
    assert not torch.equal(first, second)
    store = PictureFeatures(loaded)
    assert not torch.equal(store.of(prompts[0])[0], store.of(prompts[1])[0])
    assert [picture.path.read_bytes() for picture in original.pictures] == before


def test_an_adapter_is_trained_on_samples_and_copies(
    load_tiny: Callable[..., LoadedModel], dialogues: list[Evidence], care: Task, small_config: Config, tmp_path: Path
) -> None:
    training = small_config.training.model_copy(update={"epochs": 1, "augment": ALL})
    config = small_config.model_copy(update={"training": training})
    out = train(load_tiny(), dialogues, [care], config, tmp_path / "care", seed=1)
    manifest = json.loads((out / "manifest.json").read_text("utf-8"))
    assert (manifest["samples"], manifest["augmented"], manifest["steps"]) == ({"care": 9}, {"care": 9}, 6)
    assert manifest["training"]["augment"] == {"policy": "all", "text": True, "pictures": True}


def test_a_config_names_its_own_synonyms_beside_it(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("training: {augment: {policy: rare, synonyms: words.yaml}}\n")
    augment = load_config(tmp_path / "mine.yaml").training.augment
    assert augment.synonyms == str((tmp_path / "words.yaml").resolve())


def test_the_preview_is_a_picture_and_odd_characters_do_no_harm(tmp_path: Path) -> None:
    rows, ocr = [], []
    for i, text in enumerate(("请问会生锈吗😀𠮷", "请问什么时候补货\ud83d", "hello, does it fade?")):
        Image.new("RGB", (60, 90), (80 * i, 90, 120)).save(tmp_path / f"{i}.png")
        label = ("是否会生锈", "何时上货", "")[i]
        rows.append({"id": f"s{i}", "instruction": f"用户: {text}<image>", "output": label, "image": [f"{i}.png"]})
        lines = [{"text": "加入购物车", "score": 1, "box": [5, 5, 50, 15]}]
        ocr.append({"image": f"{i}.png", "width": 60, "height": 90, "lines": lines})
    (tmp_path / "train.json").write_text(json.dumps(rows), "utf-8")
    (tmp_path / "ocr.jsonl").write_text("\n".join(map(json.dumps, ocr)), "utf-8")
    given = ("--data", "train.json", "--images", ".", "--ocr", "ocr.jsonl", "--out", "out/sheet.png")
    paths = [part if part.startswith("--") else str(tmp_path / part) for part in given]
    result = CliRunner().invoke(cli, ["data", "augment", *paths, "--samples", "5"])
    assert result.exit_code == 0, result.output
    assert "3 samples" in result.output
    with Image.open(tmp_path / "out" / "sheet.png") as sheet:
        assert sheet.format == "PNG"
        assert sheet.width == 4 * (CELL + MARGIN) + MARGIN


def test_a_sheet_of_labels_that_no_shipped_task_has(tmp_path: Path) -> None:
    (tmp_path / "shop.csv").write_text("text,label\ndoes it rust,rust\nwhen back,refill\n", "utf-8")
    assert write_contact_sheet([tmp_path / "shop.csv"], tmp_path / "sheet.png", 5) == 2


def test_a_sheet_takes_samples_without_text_or_pictures(tmp_path: Path) -> None:
    bare = Evidence(Sample("a", "care", (), (Turn("user", "", ""),)), ())
    long = Evidence(Sample("b", "care", (), (Turn("user", "长" * 5000, ""),)), ())
    assert contact_sheet([(bare, [bare]), (long, [])]).startswith(b"\x89PNG")


def test_changes_read_back_as_both_texts() -> None:
    before, after = "请问brand new吗\n退款", "brand旧吗\n退款页"
    pieces = list(changes(before, after))
    assert "".join(text for text, change in pieces if change != "new") == before
    assert "".join(text for text, change in pieces if change != "gone") == after
    assert ("请问", "gone") in pieces


def test_samples_are_spread_over_labels() -> None:
    samples = [e.sample for e in _many({"a": 8, "b": 8, "c": 8})]
    assert [sample.label for sample in spread(samples, 3)] == ["a", "b", "c"]
    assert spread(samples[::-1], 3) == spread(samples, 3)
    assert len(spread(samples, 99)) == 24
