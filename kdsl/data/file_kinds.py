"""Detects the kind of a file by its first bytes, so that errors can name Excel, gzip or a WhatsApp chat."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

from kdsl.data.encodings import as_utf8, require_text
from kdsl.errors import InputError

Kind = Literal["json", "csv", "rasa", "xlsx", "parquet"]

PARQUET = b"PAR1"
"""What a Parquet file begins and ends with."""
_EXPECTED = "JSON, JSONL, CSV, Excel or Parquet"
_START = 65536
_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"\x1f\x8b", "is compressed by gzip; unpack it first (`gunzip`)"),
    (b"BZh", "is compressed by bzip2; unpack it first (`bunzip2`)"),
    (b"\xfd7zXZ\0", "is compressed by xz; unpack it first (`unxz`)"),
    (b"\x28\xb5\x2f\xfd", "is compressed by Zstandard; unpack it first (`unzstd`)"),
    (b"7z\xbc\xaf\x27\x1c", "is a 7z archive; unpack it first"),
    (b"Rar!\x1a\x07", "is a RAR archive; unpack it first"),
    (PARQUET, "is a Parquet file"),
    (b"ARROW1", "is an Arrow file; write it as JSON first: datasets.Dataset.from_file(file).to_json(out)"),
    (b"\xff\xff\xff\xff", "is an Arrow stream; write it as JSON first: datasets.Dataset.from_file(file).to_json(out)"),
    (b"\xd0\xcf\x11\xe0", "is an old Excel or Word file; save it as .xlsx or CSV (UTF-8)"),
    (b"SQLite format 3\0", "is an SQLite database; export the table as CSV"),
    (b"\x89HDF", "is an HDF5 file; write its rows as JSON"),
    (b"%PDF", "is a PDF; expected rows of text"),
    (b"\x89PNG", "is a picture (PNG)"),
    (b"\xff\xd8\xff", "is a picture (JPEG)"),
    (b"GIF8", "is a picture (GIF)"),
    (b"{\\rtf", "is a rich text document (RTF); save it as plain text"),
    (b"version https://git-lfs", "is a pointer of Git LFS and not the file itself; fetch it first (`git lfs pull`)"),
)
_HEIC = (b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1", b"avif")
_ZIP = b"PK\x03\x04"
_EXCEL = b"xl/"
_ZIPPED = ((_EXCEL, "an Excel workbook"), (b"word/", "a Word document; save it as text"))
_WHATSAPP = re.compile(
    r"\u200e?\[?\d{1,4}[/.-]\d{1,2}[/.-]\d{1,4},? \d{1,2}:\d{2}(?::\d{2})?(?:[ \u202f]?[APap]\.?[Mm]\.?)?(?:\] | - )"
)
_TEXT_COLUMNS = {
    "text",
    "instruction",
    "messages",
    "conversations",
    "utterance",
    "query",
    "sentence",
    "image",
    "images",
    "文本",
    "问题",
    "内容",
    "图片",
    "照片",
}


def magic(start: bytes) -> str | None:
    """What a file is that begins with these bytes and is no text: 'is a picture (PNG)'; None where it may be text."""
    for head, what in _MAGIC:
        if start.startswith(head):
            return what
    if start[4:8] == b"ftyp":
        return "is a picture (HEIC or AVIF, as phones take them)" if start[8:12] in _HEIC else "is a video (MP4)"
    if start[:4] == b"RIFF" and start[8:12] == b"WEBP":
        return "is a picture (WebP)"
    if start.startswith(_ZIP):
        inside = next((what for name, what in _ZIPPED if name in start), None)
        return f"is {inside}" if inside else "is a ZIP archive; unpack it first"
    return None


def _why_no_file(path: Path) -> str:
    if path.is_dir():
        return "is a folder"
    return "is a pipe or a device, not a file" if path.exists() else "does not exist"


def kind_of(path: Path) -> Kind:
    """How a file of rows is to be read.

    Raises:
        InputError: the file is missing, empty, or something else; the message says what, and what to do.
    """
    if not path.is_file():
        raise InputError(f"{path}: {_why_no_file(path)}; expected a file of samples: {_EXPECTED}.")
    with path.open("rb") as file:
        start = file.read(_START)
    if start.startswith(_ZIP) and _EXCEL in start:
        return "xlsx"
    if start.startswith(PARQUET):
        return "parquet"
    if what := magic(start):
        raise InputError(f"{path}: {what}; expected rows as {_EXPECTED}.")
    with as_utf8(path) as file:
        start = file.read(_START)
    require_text(start, path)
    text = start.decode("utf-8-sig", "replace").lstrip()
    if not text:
        raise InputError(f"{path}: is empty; expected a JSON list of samples, or one sample per line (JSONL).")
    if _WHATSAPP.match(text):
        raise InputError(
            f"{path}: is a chat as WhatsApp exports it. It does not say who is the customer, nor what is wanted: "
            'make each conversation one row, such as {"instruction": "Customer: ...\\nAgent: ...", "output": "label"}.'
        )
    return _text_kind(path, text)


def _text_kind(path: Path, text: str) -> Kind:
    lines = [line.strip() for line in text.splitlines()[:20]]
    suffix = path.suffix.lower()
    if text[0] == "[" or (suffix not in (".csv", ".tsv") and any(line.startswith("{") for line in lines)):
        return "json"
    if re.match(r"<(?:!doctype|html|\?xml|[a-z]+[ >])", text, re.IGNORECASE):
        raise InputError(f"{path}: is HTML or XML; expected rows as JSON, JSONL or CSV. Was an error page saved?")
    if re.search(r"^nlu:", text, re.MULTILINE):
        return "rasa"
    if suffix in (".csv", ".tsv", ".tab"):
        return "csv"
    names = {name.strip("\ufeff \"'").lower() for name in re.split(r"[,;\t|]", lines[0])}
    if names & _TEXT_COLUMNS:
        return "csv"
    if suffix in (".yaml", ".yml"):
        raise InputError(
            f"{path}: is YAML; expected rows as JSON, JSONL or CSV. Of YAML, Rasa's training data (`nlu:`) is read."
        )
    if suffix in (".json", ".jsonl", ".ndjson"):
        return "json"  # line by line, each with its fault
    raise InputError(
        f"{path}: is neither JSON nor a table: it begins with '{lines[0][:40]}'. Expected a JSON list of samples, one "
        "sample per line (JSONL), or CSV with a header such as text,label."
    )
