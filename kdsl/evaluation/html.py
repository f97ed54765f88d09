"""The page of a report: one self-contained file with no script and nothing fetched.

Everything that users, OCR or models wrote is escaped by the template; a content policy forbids the rest.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from pydantic import BaseModel, ConfigDict, ValidationError

from kdsl.data.pictures import open_picture
from kdsl.errors import InputError
from kdsl.evaluation.metrics import Scores

SHOWN = 300
"""Wrong samples on the page; errors.jsonl holds all."""
CONFUSIONS = 20
THUMBNAIL = 240
"""Longest side of a sample's picture, in pixels."""
THUMBNAIL_BYTES = 12_000_000
"""All thumbnails of a page together; later samples are shown without."""
MAX_MEGAPIXELS = 100


Top = list[tuple[str, float]]
"""Likeliest labels with their probabilities."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class _Call(_Part):
    role: str
    output_tokens: int
    top: Top


class _Vote(_Part):
    weight: float
    top: Top


class _Rule(_Part):
    id: str
    label: str
    weight: float
    text: str


class _Snippet(_Part):
    id: str
    label: str | None
    title: str
    source: str
    score: float


class Trace(_Part):
    """What the page shows of a prediction's trace."""

    calls: tuple[_Call, ...] = ()
    experts: dict[str, _Vote] = {}
    rules: tuple[_Rule, ...] = ()
    snippets: tuple[_Snippet, ...] = ()


def _trace(row: Mapping[str, Any]) -> Trace | None:
    """The trace of a row, or None where another program wrote one of its own form."""
    try:
        return Trace.model_validate(row.get("trace") or {})
    except ValidationError:
        return None


def render_page(
    scores: Mapping[str, Scores],
    pooled: Scores,
    mean_f1: float,
    wrong: Sequence[Mapping[str, Any]],
    pictures: Mapping[str, bytes],
    images: Path | None,
) -> str:
    """The page as text.

    Args:
        scores: figures by task.
        wrong: rows as errors.jsonl holds them.
        pictures: PNG bytes by file name, put into the page.
        images: the folder of the samples' pictures, or None to show none.
    """
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    environment.filters["share"] = lambda value: f"{100 * value:.1f}%"
    environment.filters["figure"] = lambda value: f"{value:.4f}"
    return environment.get_template("report.html.j2").render(
        scores=scores,
        pooled=pooled,
        all_scores={**scores, "pooled": pooled},
        mean_f1=mean_f1,
        confusions=CONFUSIONS,
        wrong=[(row, _trace(row)) for row in wrong[:SHOWN]],
        wrong_total=len(wrong),
        thumbnails=_thumbnails(wrong[:SHOWN], images) if images else {},
        pictures={name: _data_url(content, "png") for name, content in pictures.items()},
    )


def _thumbnails(rows: Sequence[Mapping[str, Any]], images: Path) -> dict[str, str]:
    """Picture name -> data URL, as far as the pictures can be read and the size limit allows."""
    urls: dict[str, str] = {}
    spent = 0
    for name in dict.fromkeys(name for row in rows for name in row["images"]):
        if spent > THUMBNAIL_BYTES:
            break
        try:
            picture = open_picture(images, name, MAX_MEGAPIXELS)
        except InputError:
            continue  # the page then says the picture's name alone
        picture.thumbnail((THUMBNAIL, THUMBNAIL))
        buffer = io.BytesIO()
        picture.save(buffer, "JPEG", quality=70)
        urls[name] = _data_url(buffer.getvalue(), "jpeg")
        spent += len(urls[name])
    return urls


def _data_url(content: bytes, kind: str) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"
