"""What a fitted bundle says where there is nothing to go by, and what the order of labels does to its large model.

Run: python benchmarks/evidence.py --bundle demo/bundle

One row per sample: the label, its probability, the probability that any label fits, whether it is left to a person,
and why. A sample that tells nothing must get the labels' shares among the samples of the fit, and a person; one about
something else a person. Below a table: how many were left to a person, of samples that tell nothing or something else,
and of those that ask what shoppers do. Last, the largest change of a log-probability of the large model with its
adapter when the task's labels are shuffled. The photos come with scikit-learn and matplotlib.
"""

from __future__ import annotations

import argparse
import random
import tempfile
from dataclasses import replace
from pathlib import Path

import matplotlib
import numpy as np
import sklearn
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
NOTHING = {
    "an empty dialogue": (),
    "turns without text": ("", " "),
    WHITE: ("<image>",),
    "greetings": ("在吗", "亲，您好，很高兴为您服务", "好的谢谢"),
    "greetings, English": ("Hello?", "Hi, good morning!", "ok thank you"),
    "nothing meant": ("嗯嗯那个就是说", "您请讲", "算了没什么"),
}
ELSEWHERE = {
    "the weather": ("今天天气真好", "是的呢，适合出门走走"),
    "a cat": ("我家猫刚才把花瓶打翻了哈哈", "哈哈真调皮"),
    "keys pressed at random": ("asdkj qwpoe zmxn",),
    "keys, one word": ("fjdkslajfkdl",),
    "characters at random": ("墟缈龠啬囿鬲",),
    "football": ("昨晚那场球看了没，最后一分钟绝杀", "看了，太精彩了"),
    "an exam": ("下周就要期末考试了我还没复习", "加油，早点休息"),
    "a song": ("给我唱首歌吧",),
    "history": ("唐朝是哪一年建立的", "公元618年"),
    "sums": ("三百六十五除以七等于多少",),
    "a dream": ("我昨晚梦见自己在天上飞", "好有意思"),
    "traffic": ("早高峰地铁挤死了，迟到了二十分钟", "辛苦了"),
    "loneliness": ("失恋了好难过，你陪我聊聊天", "抱抱你"),
    "a poem": ("床前明月光，疑是地上霜",),
    "a programme": ("def main(): print(1)",),
    "the weather, English": ("It will rain in the mountains tomorrow", "Yes, take an umbrella"),
    "a dog, English": ("my dog barked at the neighbours all night", "poor thing"),
    "football, English": ("who won the match last night?",),
    "geography, English": ("what is the capital of Peru",),
    "a joke, English": ("tell me a joke about penguins",),
    "a novel, English": ("I could not put the novel down, the ending made me cry", "I know that feeling"),
    "politics, English": ("the election debate was a disgrace",),
    "a recipe, English": ("simmer the onions until golden, then add the wine",),
    "physics, English": ("why is the speed of light constant",),
    "lorem ipsum": ("Lorem ipsum dolor sit amet, consectetur adipiscing elit",),
}
SHOPPING = {
    "will it rust?": ("这个锅会不会生锈呀",),
    "when is it sent?": ("在吗", "在的亲", "今天拍什么时候发货"),
    "which size?": ("我身高165体重110斤穿多大码", "亲，建议您选M码"),
    "refund": ("东西坏了我要退款", "亲，非常抱歉，可以申请售后"),
    "does it fade?": ("这件衣服洗了会掉色吗",),
    "how to use": ("请问这个怎么用，一天用几次", "亲，早晚各一次"),
}


def draw(folder: Path) -> dict[str, Path]:
    """Pictures that show nothing, noise, patterns, and photos of what no shop's screen shows."""
    rng = np.random.default_rng(0)
    across, down = np.meshgrid(np.arange(SIDE), np.arange(SIDE))
    far = np.hypot(across - SIDE / 2, down - SIDE / 2)
    frequency = np.hypot(np.fft.fftfreq(SIDE)[:, None], np.fft.fftfreq(SIDE)[None])
    frequency[0, 0] = 1
    clouds = np.fft.ifft2(np.fft.fft2(rng.normal(size=(SIDE, SIDE))) / frequency).real
    waves = np.stack([np.sin(across / 9), np.sin(down / 13), np.sin((across + down) / 17)], axis=2)
    arrays = {
        "coloured noise": rng.integers(0, 256, (SIDE, SIDE, 3)),
        "grey noise": rng.normal(128, 40, (SIDE, SIDE)),
        "black and white noise": 255 * rng.integers(0, 2, (SIDE, SIDE)),
        "coarse noise": rng.integers(0, 256, (SIDE // 20, SIDE // 20, 3)).repeat(20, axis=0).repeat(20, axis=1),
        "clouds (1/f noise)": 128 + 40 * clouds / clouds.std(),
        "a gradient": 255 * across / SIDE,
        "a gradient of colours": np.stack([across, down, SIDE - across], axis=2) * 255 / SIDE,
        "rings": 128 + 127 * np.sin(far / 8),
        "a chessboard": 255 * ((across // 50 + down // 50) % 2),
        "waves of colours": 128 + 127 * waves,
    }
    drawn = {
        WHITE: Image.new("RGB", (SIDE, SIDE), "white"),
        "a black picture": Image.new("RGB", (SIDE, SIDE), "black"),
        "a red picture": Image.new("RGB", (SIDE, SIDE), (200, 30, 30)),
    }
    drawn |= {name: Image.fromarray(np.clip(array, 0, 255).astype(np.uint8)) for name, array in arrays.items()}
    shipped = {
        "a photo of a temple": Path(sklearn.__file__).parent / "datasets/images/china.jpg",
        "a photo of a flower": Path(sklearn.__file__).parent / "datasets/images/flower.jpg",
        "a photo of an officer": Path(matplotlib.get_data_path(), "sample_data/grace_hopper.jpg"),
    }
    drawn |= {name: Image.open(file).convert("RGB") for name, file in shipped.items()}
    files = {name: folder / f"{name.replace('/', ' by ')}.png" for name in drawn}
    for name, picture in drawn.items():
        picture.save(files[name])
    return files


def samples(task: Task, shown: dict[str, Path]) -> list[Sample]:
    """What is asked of a task; the id is what the table calls it."""
    if task.input == "picture":
        return [Sample(name, task.name, (file.name,), ()) for name, file in shown.items()]
    found = []
    for name, texts in (NOTHING | ELSEWHERE | SHOPPING).items():
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
            found = recognizer.predict_evidence(evidences)
            for said in found:
                print(row(said), flush=True)
            asking = [said for said in found if said.id in SHOPPING]
            others = [said for said in found if said.id not in SHOPPING]
            for kind, group in (("nothing, or something else", others), ("shoppers' questions", asking)):
                print(f"\n{kind}: {sum(said.abstained for said in group)} of {len(group)} left to a person")
            if config.large is not None and config.large.asked(task):
                change = shuffled(recognizer.bundle, task, evidences)
                print(f"\nlabels shuffled: a log-probability of the large model changes by {change:.2g} at most")


if __name__ == "__main__":
    main()
