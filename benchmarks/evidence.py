"""What a fitted bundle says where there is nothing to go by, and what the order of labels does to its large model.

Run: python benchmarks/evidence.py --bundle demo/bundle

One row per sample: the label, its probability, the probability that any label fits, whether it is left to a person,
and why. A sample that tells nothing must get the labels' shares among the samples of the fit, and a person. Last, the
largest change of a log-probability of the large model with its adapter when the task's labels are shuffled.
"""

from __future__ import annotations

import argparse
import random
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from kdsl import Recognizer, Sample
from kdsl.data.prediction import Prediction
from kdsl.ensemble.bundle import Bundle
from kdsl.evidence.observe import observe
from kdsl.evidence.types import Evidence
from kdsl.models.adapters import adapter_on
from kdsl.models.base import load_base
from kdsl.models.scorer import LabelScorer
from kdsl.tasks import Task

SIDE = 400
SHUFFLES = 3
WHITE = "a white picture"
DIALOGUES = {
    "an empty dialogue": (),
    "turns without text": ("", " "),
    WHITE: ("<image>",),
    "greetings": ("在吗", "亲，您好，很高兴为您服务", "好的谢谢"),
    "greetings, English": ("Hello?", "Hi, good morning!", "ok thank you"),
    "the weather": ("今天天气真好", "是的呢，适合出门走走"),
    "a cat": ("我家猫刚才把花瓶打翻了哈哈", "哈哈真调皮"),
    "nothing meant": ("嗯嗯那个就是说", "您请讲", "算了没什么"),
    "keys pressed at random": ("asdkj qwpoe zmxn",),
    "for comparison: will it rust?": ("这个锅会不会生锈呀",),
}


def draw(folder: Path) -> dict[str, Path]:
    """Pictures that show nothing, and one that shows noise."""
    noise = np.random.default_rng(0).integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)
    drawn = {
        WHITE: Image.new("RGB", (SIDE, SIDE), "white"),
        "a black picture": Image.new("RGB", (SIDE, SIDE), "black"),
        "noise": Image.fromarray(noise),
    }
    files = {name: folder / f"{name}.png" for name in drawn}
    for name, picture in drawn.items():
        picture.save(files[name])
    return files


def samples(task: Task, shown: dict[str, Path]) -> list[Sample]:
    """What is asked of a task; the id is what the table calls it."""
    if task.input == "picture":
        return [Sample(name, task.name, (file.name,), ()) for name, file in shown.items()]
    found = []
    for name, texts in DIALOGUES.items():
        dialogue = Sample.dialogue([("agent" if i % 2 else "user", text) for i, text in enumerate(texts)])
        images = (shown[WHITE].name,) if name == WHITE else ()
        found.append(replace(dialogue, id=name, task=task.name, images=images))
    return found


def row(said: Prediction) -> str:
    """One row of the table."""
    scope = "" if said.in_scope is None else f"{said.in_scope:.3f}"
    person, why = "yes" if said.abstained else "no", said.trace.no_evidence or ""
    return f"| {said.id} | {said.label} | {said.probability:.3f} | {scope} | {person} | {why} | {said.spend.calls} |"


def shuffled(bundle: Bundle, task: Task, evidences: list[Evidence]) -> float:
    """The largest change of a log-probability of the large model by other orders of the labels."""
    loaded = load_base(bundle.config.model("large"))
    folders = [bundle.folder / "adapters" / name for name in (task.name, "joint")]
    with adapter_on(loaded, next(folder for folder in folders if folder.is_dir())):
        scores = LabelScorer(loaded, task, bundle.config.prompt).score(evidences)
        expected = dict(zip(task.names, scores.T, strict=True))
        worst = 0.0
        for seed in range(SHUFFLES):
            labels = random.Random(seed).sample(task.labels, len(task.labels))
            scorer = LabelScorer(loaded, task.model_copy(update={"labels": tuple(labels)}), bundle.config.prompt)
            for label, scores in zip(scorer.task.names, scorer.score(evidences).T, strict=True):
                worst = max(worst, float(np.abs(scores - expected[label]).max()))
    return worst


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bundle", type=Path, required=True)
    bundle_folder = parser.parse_args().bundle
    with Recognizer.load(bundle_folder) as recognizer, tempfile.TemporaryDirectory() as folder:
        shown = draw(Path(folder))
        for task in recognizer.tasks.values():
            config = recognizer.bundle.config
            evidences = observe(samples(task, shown), Path(folder), config.evidence)
            print(f"\n{task.name}: {len(task.labels)} labels\n")
            print(
                "| sample | label | probability | some label fits | left to a person | no evidence, because | calls |"
            )
            print("|---|---|---|---|---|---|---|")
            for said in recognizer.predict_evidence(evidences):
                print(row(said), flush=True)
            if config.large is not None and config.large.asked(task):
                change = shuffled(recognizer.bundle, task, evidences)
                print(f"\nlabels shuffled: a log-probability of the large model changes by {change:.2g} at most")


if __name__ == "__main__":
    main()
