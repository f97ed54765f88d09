"""A zoo of pictures that somebody may send to a server: by name, their content."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO
from typing import Any

from PIL import Image, TiffImagePlugin
from PIL.PngImagePlugin import PngInfo

from helpers.own_shop import noise, png_header


def _directory(*entries: tuple[int, int, int, int], order: str = "<") -> bytes:
    """EXIF of one directory; an entry is a tag, a type, a count, and a value or its offset."""
    mark = b"II*\0" if order == "<" else b"MM\0*"
    packed = b"".join(struct.pack(f"{order}HHII", *entry) for entry in entries)
    return b"Exif\0\0" + mark + struct.pack(f"{order}IH", 8, len(entries)) + packed + bytes(4)


SHORT, LONG, RATIONAL = 3, 4, 5
ORIENTATION, CAMERA, PLACE = 274, 34665, 34853
EXIF = {
    "nothing": b"Exif\0\0",
    "no header": b"garbage",
    "header twice": b"Exif\0\0" + _directory((ORIENTATION, SHORT, 1, 6)),
    "wrong mark": b"Exif\0\0II\xff\xff" + bytes(20),
    "cut off": b"Exif\x00\x00MM\x00*\x00\x00\x00\x08\x00\xff",
    "far offset": b"Exif\x00\x00II*\x00\xff\xff\xff\x7f",
    "itself": _directory((CAMERA, LONG, 1, 8)),
    "each other": _directory((CAMERA, LONG, 1, 8), (PLACE, LONG, 1, 8)),
    "65535 entries": b"Exif\0\0II*\0" + struct.pack("<IH", 8, 0xFFFF) + bytes(120),
    "type of none": _directory((ORIENTATION, 99, 1, 6)),
    "4 billion values": _directory((ORIENTATION, SHORT, 0xFFFFFFFF, 8), (270, 2, 0xFFFFFFFF, 8)),
    "no value": _directory((ORIENTATION, SHORT, 0, 0)),
    "two orientations": _directory((ORIENTATION, SHORT, 2, 0x00060003)),
    "orientation 99": _directory((ORIENTATION, SHORT, 1, 99)),
    "orientation as text": _directory((ORIENTATION, 2, 2, ord("6"))),
    "divided by nothing": _directory((ORIENTATION, RATIONAL, 1, 26), (282, RATIONAL, 1, 26)),
    "value in the wrong half": _directory((ORIENTATION, SHORT, 1, 6), order=">"),
    "camera far away": _directory((CAMERA, LONG, 1, 0x7FFFFFFF)),
}
"""Malformed, each in a way of its own."""
IN_TIFF = (
    *("itself", "each other", "type of none", "4 billion values", "no value", "two orientations", "orientation 99"),
    *("orientation as text", "divided by nothing", "camera far away"),
)
"""Those that a TIFF, whose EXIF is its own directory, can have and still be a picture."""


def zoo() -> dict[str, bytes]:
    """Every picture of the zoo."""
    return {**_sizes(), **_cut_off(), **_colours(), **_polyglots(), **_malformed()}


def saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    """A picture as a file's content."""
    stream = BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def _sizes() -> dict[str, bytes]:
    return {
        "nothing": b"",
        "bomb by its header": png_header(100_000, 100_000),
        "bomb of one colour": saved(Image.new("1", (9000, 9000)), "PNG"),
        "no pixel": png_header(0, 0),
        "one pixel": saved(Image.new("RGB", (1, 1)), "PNG"),
        "1 x 100000": saved(Image.new("L", (1, 100_000), 255), "PNG"),
        "100000 x 1": saved(Image.new("L", (100_000, 1), 255), "PNG"),
        "JPEG, 1 x 60000": saved(Image.new("L", (1, 60_000), 255), "JPEG"),
        "WebP, 16000 x 1": saved(Image.new("RGB", (16_000, 1), "white"), "WEBP"),
        "GIF, bomb by its header": b"GIF89a" + struct.pack("<HHBBB", 65_535, 65_535, 0, 0, 0) + b";",
        "WebP, bomb by its header": _webp_header(1 << 24, 1 << 24),
        "BMP, bomb by its header": _bmp_header(60_000, 60_000),
        "BMP, less than nothing": _bmp_header(-5, -2_147_483_648),
        "TIFF, bomb by its header": _tiff_header(100_000, 100_000),
    }


def _webp_header(width: int, height: int) -> bytes:
    canvas = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    chunk = b"VP8X" + struct.pack("<I", 10) + bytes(4) + canvas
    return b"RIFF" + struct.pack("<I", 4 + len(chunk)) + b"WEBP" + chunk


def _bmp_header(width: int, height: int) -> bytes:
    return b"BM" + struct.pack("<IHHI", 54, 0, 0, 54) + struct.pack("<IiiHHIIiiII", 40, width, height, 1, 24, *[0] * 6)


def _tiff_header(width: int, height: int) -> bytes:
    tags = ((256, width), (257, height), (258, 8), (259, 1), (262, 1), (273, 8), (277, 1), (278, height), (279, 9))
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags)
    return b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries + bytes(4)


def _cut_off() -> dict[str, bytes]:
    kinds = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF")
    whole = {kind: saved(noise(1), kind) for kind in kinds}
    half = {f"{kind}, the first half": content[: len(content) // 2] for kind, content in whole.items()}
    return half | {f"{kind}, 20 bytes": content[:20] for kind, content in whole.items()}


def _colours() -> dict[str, bytes]:
    frames = [noise(seed) for seed in range(3)]
    return {
        "animated GIF": saved(frames[0], "GIF", save_all=True, append_images=frames[1:]),
        "animated WebP": saved(frames[0], "WEBP", save_all=True, append_images=frames[1:]),
        "animated PNG": saved(frames[0], "PNG", save_all=True, append_images=frames[1:]),
        "TIFF of three pages": saved(frames[0], "TIFF", save_all=True, append_images=frames[1:]),
        "JPEG of three pictures": saved(frames[0], "MPO", save_all=True, append_images=frames[1:]),
        "CMYK": saved(noise(1).convert("CMYK"), "JPEG"),
        "LAB": saved(Image.new("LAB", (40, 30), (128, 128, 128)), "TIFF"),
        "16 bits": saved(Image.new("I;16", (40, 30), 40_000), "PNG"),
        "floats": saved(Image.new("F", (40, 30), 1e30), "TIFF"),
        "palette with transparency": saved(noise(1).convert("P"), "PNG", transparency=0),
        "profile of garbage": saved(noise(1), "PNG", icc_profile=b"garbage" * 50),
    }


def _polyglots() -> dict[str, bytes]:
    png = saved(noise(2), "PNG")
    return {
        "GIF and script": b"GIF89a/*" + saved(noise(1), "GIF")[6:] + b"*/=1;alert(1)//<script>alert(1)</script>",
        "PNG and archive": png + b"PK\x05\x06" + b"\0" * 18,
        "PNG and page": png + b"<html><script>alert(1)</script>",
        "PDF": b"%PDF-1.7\n" + saved(noise(1), "JPEG"),
        "SVG": b'<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>',
        "PostScript": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(/etc/passwd) (r) file\n",
        "text": "用户: 你好\n".encode() * 40,
        "JPEG 2000": b"\0\0\0\x0cjP  \r\n\x87\n" + bytes(40),
        "icon": saved(noise(1), "ICO"),
        "program": b"\x7fELF" + bytes(60),
    }


def _malformed() -> dict[str, bytes]:
    found = {
        f"{kind}, EXIF: {what}": saved(noise(3), kind, exif=exif, **more)
        for kind, more in (
            ("JPEG", {}),
            ("PNG", {}),
            ("WEBP", {}),
            ("MPO", {"save_all": True, "append_images": [noise(4)]}),
        )
        for what, exif in EXIF.items()
    }
    found |= {f"PNG, EXIF in a text: {what}": _exif_in_text(exif) for what, exif in EXIF.items()}
    found |= {f"TIFF, EXIF: {what}": _tiff_with(EXIF[what]) for what in IN_TIFF}
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    tags[270] = "x" * 5000
    text = PngInfo()
    text.add_text("Comment", "a" * 2_000_000, zip=True)
    tiff = saved(noise(1), "TIFF")
    return found | {
        "PNG, text that grows": saved(noise(1), "PNG", pnginfo=text),
        "PNG, wrong sum": saved(noise(1), "PNG")[:-8] + b"\0" * 8,
        "PNG, chunk of 4 GB": b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 0xFFFFFFFF) + b"IHDR" + zlib.compress(b"x" * 99),
        "TIFF, long tag": saved(noise(1), "TIFF", tiffinfo=tags),
        "TIFF, itself": tiff[:4] + struct.pack("<I", 4) + tiff[8:],
        "JPEG, no data": b"\xff\xd8\xff\xd9",
    }


def _exif_in_text(exif: bytes) -> bytes:
    """A PNG with EXIF in hexadecimal, as older programs write it; one digit is none where the EXIF is odd in length."""
    info = PngInfo()
    digits = exif.hex() + "x" * (len(exif) % 2)
    info.add_text("Raw profile type exif", f"\nexif\n{len(exif):8d}\n{digits}\n", zip=True)
    return saved(noise(3), "PNG", pnginfo=info)


def _tiff_with(exif: bytes) -> bytes:
    """A TIFF whose directory, which is its EXIF, has the entries of another one behind its own."""
    whole = saved(noise(3), "TIFF")
    start = struct.unpack_from("<I", whole, 4)[0]
    count = struct.unpack_from("<H", whole, start)[0]
    own = whole[start + 2 : start + 2 + 12 * count]
    more = exif[6 + 10 :]
    entries = len(more) // 12
    directory = struct.pack("<H", count + entries) + own + more[: 12 * entries] + bytes(4)
    return whole[:4] + struct.pack("<I", len(whole)) + whole[8:] + directory
