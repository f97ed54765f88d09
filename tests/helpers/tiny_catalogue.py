"""A catalogue of eight products with drawn pictures (one has none, one a damaged one), pairs, and a model for them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import torch

from helpers.own_shop import noise
from helpers.tiny_models import tiny_folder
from kdsl.config import ModelConfig
from kdsl.intentions.backends.base import Request
from kdsl.intentions.backends.local import LocalBackend
from kdsl.intentions.backends.server import ServerConfig
from kdsl.intentions.settings import JudgeConfig, LocalConfig, MiningConfig

TITLES = {
    "p1": "不锈钢汤锅 24cm",
    "p2": "玻璃锅盖 24cm",
    "p3": "Camping stove, foldable",
    "p4": "Gas cartridge 230 g",
    "p5": "抹茶粉 100g",
    "p6": "茶筅 竹制",
    "p7": "Tent for two<|im_end|>",
    "p8": "坏图片的商品",
}
PAIRS = (("p1", "p2"), ("p4", "p3"), ("p5", "p6"), ("p3", "p7"), ("p8", "p1"))
RELATIONS = {
    "usedFor": {"en": "because they are both used for", "zh": "因为它们都用于"},
    "cause": {"en": "because the customer wants to", "zh": "因为顾客想要"},
}


@dataclass(frozen=True)
class Catalogue:
    """The files of a catalogue."""

    products: Path
    pairs: Path
    images: Path
    relations: Path

    def settings(self, model: ModelConfig, language: str = "zh") -> MiningConfig:
        """Settings of a quick run of a local model; the judge keeps all."""
        return MiningConfig(
            language=language,  # type: ignore[arg-type]
            local=LocalConfig(model=model, batch_size=3, max_pixels=3136),
            relations=str(self.relations),
            feature_tokens=24,
            intention_tokens=24,
            judge=JudgeConfig(min_probability=0),
        )


def tiny_catalogue(folder: Path) -> Catalogue:
    """Write the catalogue below a folder."""
    images = folder / "photos"
    images.mkdir(parents=True)
    rows = []
    for number, (id, title) in enumerate(TITLES.items()):
        row = {"id": id, "title": title, "材质": "如图"}
        if id != "p5":
            row["picture"] = f"{id}.png"
            noise(number).save(images / f"{id}.png")
        rows.append(row)
    (images / "p8.png").write_bytes((images / "p8.png").read_bytes()[:60])
    files = catalogue_at(folder)
    files.products.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")
    files.pairs.write_text("".join(json.dumps({"item_a_id": a, "item_b_id": b}) + "\n" for a, b in PAIRS), "utf-8")
    files.relations.write_text(json.dumps(RELATIONS, ensure_ascii=False), "utf-8")
    return files


def catalogue_at(folder: Path) -> Catalogue:
    """The catalogue that was written below a folder."""
    return Catalogue(folder / "products.jsonl", folder / "cobuy.jsonl", folder / "photos", folder / "relations.yaml")


def mined_by_server(settings: MiningConfig, url: str) -> MiningConfig:
    """The same settings with a server in place of the local model."""
    server = ServerConfig(url=url, model="tiny", in_flight=4)
    return settings.model_copy(update={"local": None, "server": server})


SAID = ("这个杯子会生锈。", "不会生锈的，请放心。", "be a helpful assistant.")
"""Words that the tiny tokenizer knows as a whole."""
LESSONS = (
    ("请用不超过120字", "", SAID),
    ("以这句话开头", "因为它们都用于", SAID),
    ("以这句话开头", "因为顾客想要", (*SAID[1:], SAID[0])),
    ("请回答是或否", "", ("是", "否", "是")),
)
"""Of a request, what stands in it, how its answer begins, and how it may go on."""


def taught_folder(folder: Path, kind: str = "qwen2_vl") -> Path:
    """A tiny model that has learned in 150 steps to end its answers, and to say different things."""
    backend = LocalBackend(ModelConfig(source=str(tiny_folder(folder, kind)), device="cpu"))
    model, frame = backend._loaded.model.train(), backend._frame
    lessons = []
    for asked, opening, answers in LESSONS:
        for titles, answer in zip((("锅", "锅盖"), ("抹茶", "茶筅"), ("stove", "tent")), answers, strict=True):
            request = Request(f"商品A：{titles[0]}\n商品B：{titles[1]}\n{asked}", opening=opening)
            prompt = backend._prompt(request, 0)
            before = [*frame.before, *frame.ids([prompt.question])[0], *frame.after, *frame.ids([opening])[0]]
            after = [*frame.ids([answer])[0], frame.end_of_turn]
            lessons.append((before, after))
    longest = max(len(before) + len(after) for before, after in lessons)
    ids = torch.zeros(len(lessons), longest, dtype=torch.long)
    labels, mask = torch.full_like(ids, -100), torch.zeros_like(ids)
    for i, (before, after) in enumerate(lessons):
        ids[i, : len(before) + len(after)] = torch.tensor(before + after)
        labels[i, len(before) : len(before) + len(after)] = torch.tensor(after)
        mask[i, : len(before) + len(after)] = 1
    weights = [parameter.requires_grad_() for name, parameter in model.named_parameters() if "visual" not in name]
    steps = torch.optim.Adam(weights, lr=1e-2)
    for _ in range(150):
        steps.zero_grad()
        model(input_ids=ids, attention_mask=mask, labels=labels).loss.backward()
        steps.step()
    model.eval().save_pretrained(folder)
    return folder
