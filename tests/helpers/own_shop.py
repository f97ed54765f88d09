"""A small shop of our own: two tasks, pictures like no other, rows in the challenge's format."""

from __future__ import annotations

import json
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from kdsl.data.dialogue import END, START
from kdsl.tasks import Label, Task


def _task(name: str, kind: str, *labels: str) -> Task:
    return Task(
        name=name,
        input=kind,
        prompt="属于哪一类？",
        labels=tuple(Label(name=label, zh=f"{label}的说明", en=f"means {label}") for label in labels),
    )


SCENE = _task("scene", "picture", "退款页面", "退货页面", "购物车页面")
INTENT = _task("intent", "dialogue", "是否会生锈", "商品材质")


def noise(seed: int, size: tuple[int, int] = (48, 64)) -> Image.Image:
    """A picture unlike any other: coarse random blocks."""
    blocks = np.random.default_rng(seed).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    return Image.fromarray(blocks).resize(size, Image.Resampling.NEAREST)


def scene_row(id_: str = "s1", label: str = "退款页面", image: str = "a.png") -> dict[str, Any]:
    return {
        "id": id_,
        "instruction": "Picture 1: <image>\n请看图分类。",
        "input": "",
        "output": label,
        "image": [image],
    }


def intent_row(
    id_: str = "d1",
    body: str = "用户: <image>\n客服: 您好，请讲\n用户: 这个锅用久了会长锈吗",
    label: str = "是否会生锈",
    image: str = "b.png",
) -> dict[str, Any]:
    return {
        "id": id_,
        "instruction": f"判断意图。\n{START}\n{body}\n{END}\n只输出标签。\n",
        "input": "",
        "output": label,
        "image": [image] if image else [],
    }


def write(path: Path, rows: Any) -> Path:
    path.write_text(json.dumps(rows, ensure_ascii=False), "utf-8")
    return path


def png_header(width: int, height: int) -> bytes:
    """A PNG of a few bytes that declares any size."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")
