"""A dozen items in the format of IntentionQA, written for the tests: kitchen, garden and desk."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

PAIRS = (
    (
        "k1",
        "k2",
        "Copper Tea Kettle &amp; Lid, 2 qt",
        "Loose Leaf Tea Strainer",
        "they both are used to brew tea at home.",
    ),
    ("k2", "k3", "Loose Leaf Tea Strainer", "Porcelain Teapot", "they both are a type of tea ware."),
    ("k3", "k4", "Porcelain Teapot", "Bamboo Tray", "they could both be used to serve guests."),
    ("g1", "g2", "Garden Hose 50 ft", "Brass Spray Nozzle", "the person wants his lawn to be watered."),
    ("g2", "g3", "Brass Spray Nozzle", "Tomato Seedling Pots", "they both are capable of growing vegetables."),
    ("g4", "g5", "Pruning Shears", "Leather Gloves for Roses", "he wanted to cut the roses."),
    ("d1", "d2", "Mechanical Keyboard", "Wrist Rest for Keyboards", "they both are related to typing."),
    ("d2", "d3", "Wrist Rest for Keyboards", "Desk Lamp with Clamp", "they both have a property of comfort."),
    ("d4", "d5", "Fountain Pen", "Blue Ink Bottle", "they both are defined as writing tools."),
    ("d5", "d6", "Blue Ink Bottle", "Letter Paper, 100 sheets", "the person wants to write letters."),
    ("x1", "x2", "Dog Leash", "Rubber Ball", "they are both used for walking the dog."),
    ("x3", "x4", "茶壶", "茶杯", "they both are a manner of 茶具."),
)


def rows(task: int) -> list[dict[str, Any]]:
    """Twelve items; their wrong options are the right ones of three others, and the right letter goes round."""
    found = []
    for number, (first_id, second_id, first, second, why) in enumerate(PAIRS):
        own = f"because {why}" if task == 1 else second
        others = [PAIRS[(number + step) % len(PAIRS)] for step in (3, 5, 7)]
        options = [f"because {other[4]}" if task == 1 else other[3] for other in others]
        options.insert(number % 4, own)
        found.append(
            {
                "id": f"t{number}",
                "item_a_id": first_id,
                "item_b_id": second_id,
                "item_a_name": first,
                "item_b_name": second,
                "relation": "all",
                "assertion": f"PersonX bought a product of Item A and a product of Item B because {why}",
                "options": dict(zip("ABCD", options, strict=True)),
                "gold_ind": "ABCD"[number % 4],
            }
        )
    return found


def write_items(file: Path, task: int, *more: str) -> Path:
    """Write the items as JSON lines, and further lines as they are given."""
    lines = [json.dumps(row, ensure_ascii=False) for row in rows(task)]
    file.write_text("\n".join([*lines, *more]) + "\n", "utf-8")
    return file
