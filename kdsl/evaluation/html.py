"""Pages for people, of a report and of an audit: each one self-contained file with no script and nothing fetched.

Everything that users, OCR or models wrote is escaped by the templates; a content policy forbids the rest.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from pydantic import BaseModel, ConfigDict, ValidationError

from kdsl.data.pictures import open_picture
from kdsl.errors import InputError
from kdsl.evaluation.metrics import Scores
from kdsl.tasks import Task

SHOWN = 300
"""Wrong or suspect samples on a page; errors.jsonl or the CSV holds all."""
CONFUSIONS = 20
THUMBNAIL, READABLE = 240, 640
"""Longest side of a sample's picture in pixels: in a report, and in an audit, where its small print may decide."""
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
    return _template("report.html.j2").render(
        scores=scores,
        pooled=pooled,
        all_scores={**scores, "pooled": pooled},
        mean_f1=mean_f1,
        confusions=CONFUSIONS,
        wrong=[(row, _trace(row)) for row in wrong[:SHOWN]],
        wrong_total=len(wrong),
        thumbnails=_thumbnails(wrong[:SHOWN], images, THUMBNAIL) if images else {},
        pictures={name: _data_url(content, "png") for name, content in pictures.items()},
    )


def render_audit(suspects: Sequence[Mapping[str, Any]], judged: int, tasks: Sequence[Task], images: Path) -> str:
    """The page of an audit as text.

    Args:
        suspects: the most doubtful first: fields of `kdsl.evaluation.audit.Suspect`, with `turns` and `images`.
        judged: how many labels were looked at.
        images: the folder of the samples' pictures.
    """
    return _template("audit.html.j2").render(
        suspects=suspects[:SHOWN],
        total=len(suspects),
        judged=judged,
        meanings={task.name: {label.name: f"{label.zh} · {label.en}" for label in task.labels} for task in tasks},
        thumbnails=_thumbnails(suspects[:SHOWN], images, READABLE),
    )


def _template(name: str) -> Template:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    environment.filters["share"] = lambda value: f"{100 * value:.1f}%"
    environment.filters["figure"] = lambda value: f"{value:.4f}"
    return environment.get_template(name)


def _thumbnails(rows: Sequence[Mapping[str, Any]], images: Path, side: int) -> dict[str, str]:
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
        picture.thumbnail((side, side))
        buffer = io.BytesIO()
        picture.save(buffer, "JPEG", quality=70)
        urls[name] = _data_url(buffer.getvalue(), "jpeg")
        spent += len(urls[name])
    return urls


def _data_url(content: bytes, kind: str) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"
