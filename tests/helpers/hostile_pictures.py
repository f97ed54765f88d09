"""A zoo of pictures that somebody may send to a server: by name, their content."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO
from typing import Any

from PIL import Image, TiffImagePlugin
from PIL.PngImagePlugin import PngInfo

from helpers.own_shop import noise, png_header

EXIF = {
    "no header": b"garbage",
    "cut off": b"Exif\x00\x00MM\x00*\x00\x00\x00\x08\x00\xff",
    "far offset": b"Exif\x00\x00II*\x00\xff\xff\xff\x7f",
    "itself": b"Exif\x00\x00II*\x00\x08\x00\x00\x00\x01\x00\x69\x87\x04\x00\x01\x00\x00\x00\x08\x00\x00\x00" + bytes(4),
}


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
        f"{kind}, EXIF: {what}": saved(noise(3), kind, exif=exif)
        for kind in ("JPEG", "PNG", "WEBP")
        for what, exif in EXIF.items()
    }
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    tags[270] = "x" * 5000
    strange: dict[str, Any] = {"far offset": (34665, 0x7FFFFFFF), "itself": (34665, 8), "orientation 99": (274, 99)}
    for what, (tag, value) in strange.items():
        found[f"TIFF, EXIF: {what}"] = saved(noise(3), "TIFF", tiffinfo={tag: value})
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
