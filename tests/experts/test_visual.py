"""The visual expert: what is photographed is told apart, and a picture that is gone is named."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from helpers.materials import material_of, setup_of
from PIL import Image, ImageDraw

from kdsl.config import EvidenceConfig
from kdsl.data.readers import read_samples
from kdsl.data.sample import Sample
from kdsl.errors import InputError
from kdsl.evidence.observe import observe
from kdsl.evidence.types import UNSEEN, Evidence, Picture
from kdsl.experts.visual import VisualExpert
from kdsl.tasks import Label, Task

TASK = Task(name="things", input="picture", prompt="What is it?", labels=(Label(name="ball"), Label(name="fence")))


def _drawn(folder: Path, label: str, number: int) -> Evidence:
    """A disc, or upright bars, in colours and places of their own."""
    rng = np.random.default_rng(number)
    paper, ink = (tuple(int(c) for c in rng.integers(low, low + 90, 3)) for low in (160, 0))
    image = Image.new("RGB", (160, 120), paper)
    draw, left = ImageDraw.Draw(image), int(rng.integers(20, 60))
    if label == "ball":
        draw.ellipse((left, 20, left + 80, 100), fill=ink)
    else:
        for x in range(left, left + 80, 16):
            draw.rectangle((x, 10, x + 5, 110), fill=ink)
    path = folder / f"{label}-{number}.png"
    image.save(path)
    sample = Sample(path.stem, TASK.name, (path.name,), (), label)
    return Evidence(sample, (Picture(path.name, path, 160, 120, (), UNSEEN),))


def test_shapes_are_told_apart_whatever_their_colours(tmp_path: Path) -> None:
    made = [_drawn(tmp_path, label, number) for number in range(8) for label in TASK.names]
    expert = VisualExpert(TASK, setup_of(TASK)).fit(material_of(TASK, made[:8]))
    found = [TASK.names[column] for column in expert.scores(made[8:]).argmax(axis=1)]
    assert found == [evidence.sample.label for evidence in made[8:]]


def test_abstains_without_a_picture(tmp_path: Path) -> None:
    made = [_drawn(tmp_path, label, 0) for label in TASK.names]
    expert = VisualExpert(TASK, setup_of(TASK)).fit(material_of(TASK, made))
    scores = expert.scores([made[0], replace(made[0], pictures=())])
    assert np.isnan(scores).any(axis=1).tolist() == [False, True]


def test_pictures_inside_rows_are_told_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KDSL_CACHE", str(tmp_path / "cache"))
    rows = []
    for made in (_drawn(tmp_path, label, number) for number in range(6) for label in TASK.names):
        content = base64.b64encode(made.pictures[0].path.read_bytes()).decode()
        rows.append({"image": f"data:image/png;base64,{content}", "label": made.sample.label})
    (tmp_path / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)), "utf-8")
    samples = read_samples(tmp_path / "rows.jsonl", [TASK])
    ocr = [{"image": sample.images[0], "width": 160, "height": 120, "lines": []} for sample in samples]
    (tmp_path / "ocr.jsonl").write_text("\n".join(map(json.dumps, ocr)), "utf-8")
    read = observe(samples, tmp_path / "elsewhere", EvidenceConfig(), tmp_path / "ocr.jsonl", workers=1)
    expert = VisualExpert(TASK, setup_of(TASK)).fit(material_of(TASK, read[:8]))
    found = [TASK.names[column] for column in expert.scores(read[8:]).argmax(axis=1)]
    assert found == [evidence.sample.label for evidence in read[8:]]


def test_a_picture_that_is_gone_is_named(tmp_path: Path) -> None:
    made = [_drawn(tmp_path, label, 0) for label in TASK.names]
    expert = VisualExpert(TASK, setup_of(TASK)).fit(material_of(TASK, made))
    made[0].pictures[0].path.unlink()
    with pytest.raises(InputError, match=r"ball-0\.png"):
        expert.scores(made[:1])


def test_pictures_of_a_prediction_are_read_once(tmp_path: Path) -> None:
    made = [_drawn(tmp_path, label, 0) for label in TASK.names]
    expert = VisualExpert(TASK, setup_of(TASK)).fit(material_of(TASK, made))
    asked = [_drawn(tmp_path, TASK.names[0], 1)]
    scores = expert.scores(asked)
    asked[0].pictures[0].path.unlink()
    assert np.linalg.norm(expert.vectors(asked)) == pytest.approx(1)
    assert expert.scores(asked).tolist() == scores.tolist()
