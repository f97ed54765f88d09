"""HTML pages: each is one self-contained file without scripts or external resources.

The templates escape all text from users, OCR and models; a content security policy forbids everything else.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from kdsl.data.pictures import open_picture
from kdsl.data.sample import Sample
from kdsl.errors import InputError

SHOWN = 300
"""Maximum number of samples on a page."""
THUMBNAIL_BYTES = 12_000_000
"""Maximum size of all thumbnails on a page; later samples are shown without."""
MAX_MEGAPIXELS = 100


def render(template: str, **values: Any) -> str:
    """Render a page.

    Args:
        template: the name of a file in the folder of this module.
        values: all variables of the template.
    """
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    environment.filters["share"] = lambda value: f"{100 * value:.1f}%"
    environment.filters["figure"] = lambda value: f"{value:.4f}"
    return environment.get_template(template).render(**values)


def thumbnails(samples: Iterable[Sample], images: Path | None, side: int) -> dict[str, str]:
    """Picture name -> data URL, for pictures that can be read, up to the size limit.

    Args:
        images: the root folder of the pictures; None for no thumbnails.
        side: longest side in pixels.
    """
    if images is None:
        return {}
    urls: dict[str, str] = {}
    spent = 0
    for name in dict.fromkeys(name for sample in samples for name in sample.images):
        if spent > THUMBNAIL_BYTES:
            break
        try:
            picture = open_picture(images, name, MAX_MEGAPIXELS)
        except InputError:
            continue  # the page then shows only the picture's name
        picture.thumbnail((side, side))
        buffer = io.BytesIO()
        picture.save(buffer, "JPEG", quality=70)
        urls[name] = data_url(buffer.getvalue(), "jpeg")
        spent += len(urls[name])
    return urls


def data_url(content: bytes, kind: str) -> str:
    """A picture as a data URL; `kind` is 'png' or 'jpeg'."""
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"
