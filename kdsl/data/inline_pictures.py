"""Pictures inside a row (`data:image/png;base64,...`): stored in the cache under a name derived from their content.

A sample then names such a picture `data:<hash>`, and it is opened like any file (`kdsl.data.pictures`).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from pathlib import Path

from kdsl.data.file_kinds import magic
from kdsl.errors import InputError
from kdsl.files import atomic_write
from kdsl.resources import default_cache_dir

_NAME = re.compile(r"data:[0-9a-f]{32}")
_ADDRESS = re.compile(r"data:(?P<kind>[\w.+-]+/[\w.+-]+)?(?:;[\w.+-]+=[^;,]*)*;base64,(?P<data>.*)", re.DOTALL)


def keep_inline(address: str) -> str:
    """Keep the picture of a `data:` address; gives the name that a sample calls it by.

    Raises:
        InputError: the address is not in base64 or is cut off, or the cache cannot be written.
    """
    if is_inline(address):
        return address
    match = _ADDRESS.fullmatch(address)
    if not match:
        raise InputError(f"picture '{address[:40]}...' is not of the form data:image/png;base64,...")
    return keep_base64(match["data"])


def keep_base64(encoded: str) -> str:
    """Keep a picture that is given in base64; gives the name that a sample calls it by.

    Raises:
        InputError: it is not base64 or is cut off, or the cache cannot be written.
    """
    try:
        content = base64.b64decode("".join(encoded.split()).encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError) as error:
        raise InputError(f"picture '{encoded[:20]}...' in the row is not base64, or is cut off: {error}.") from error
    digest = hashlib.sha256(content).hexdigest()[:32]
    path = _path(digest)
    if not path.is_file():
        atomic_write(path, content)
    return f"data:{digest}"


def is_inline(name: str) -> bool:
    """Whether a sample's picture is one that came inside a row."""
    return bool(_NAME.fullmatch(name))


def inline_path(name: str) -> Path:
    """Where a kept picture lies.

    Raises:
        InputError: it is gone from the cache.
    """
    path = _path(name.removeprefix("data:"))
    if not path.is_file():
        raise InputError(f"picture '{name}' is gone from the cache {path.parent}; read its data file again.")
    return path


def inline_address(name: str) -> str:
    """The `data:` address of a kept picture, to write it into a row again."""
    return picture_address(inline_path(name).read_bytes())


def picture_address(content: bytes) -> str:
    """A picture's content as a `data:` address."""
    return f"data:{media_type(content)};base64,{base64.b64encode(content).decode('ascii')}"


def media_type(content: bytes) -> str:
    """The media type of a picture by its first bytes."""
    kind = re.search(r"\((\w+)", magic(content) or "")
    return f"image/{kind[1].lower()}" if kind else "application/octet-stream"


def _path(digest: str) -> Path:
    return default_cache_dir() / "inline" / digest[:2] / digest
