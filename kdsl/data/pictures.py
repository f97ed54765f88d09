"""Opens user pictures safely: only within a root folder, of a known format, and up to a maximum size.

A file's ending says nothing: the content decides. Nothing is ever fetched.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

import numpy as np
from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError

from kdsl.data.file_kinds import magic
from kdsl.data.inline_pictures import inline_path, is_inline
from kdsl.data.picture_search import why_missing
from kdsl.errors import InputError

# Python prints a warning with the place in Pillow's source. What is wrong with a picture is said by an InputError here,
# or, like EXIF that cannot be read, takes nothing from it. Set once: a filter for a moment is another thread's, too.
warnings.filterwarnings("ignore", module=r"PIL\.")

# Decoders that run no other program (EPS would start Ghostscript) and that a phone or a shop produces.
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF")
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""EXIF orientation -> how the picture is turned upright."""


def check_name(name: str) -> None:
    """Refuse a picture's name that cannot lie below a root: absolute, with '..', a URL, or with a NUL byte.

    Raises:
        InputError: names the fault and what to do.
    """
    if is_inline(name):
        return
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]+:", name):
        raise InputError(
            f"picture '{name[:60]}' is a URL; kdsl fetches nothing: save the picture below the image folder "
            "and give its relative path."
        )
    if name.startswith(("/data/upload/", "/data/local-files/")):
        raise InputError(
            f"picture '{name}' is a path on Label Studio's server; copy the file below the image folder and give its "
            "path from there."
        )
    posix = name.replace("\\", "/")
    if PurePosixPath(posix).is_absolute() or re.match(r"[A-Za-z]:", name):
        raise InputError(f"picture '{name}' is an absolute path; give one relative to the image folder.")
    if ".." in PurePosixPath(posix).parts:
        raise InputError(f"picture '{name}' leaves the image folder by '..'; give a path below it.")
    if "\0" in name or not name.strip():
        raise InputError(f"picture {name!r} is not a file name.")


def picture_path(root: Path, name: str) -> Path:
    """The resolved path of a picture below `root`.

    Raises:
        InputError: the name is not allowed, a link leads out of the root, or there is no such file.
    """
    check_name(name)
    if is_inline(name):
        return inline_path(name)
    base = root.resolve()
    try:
        path = (base / name).resolve()
        found = path.is_file()
    except (OSError, RuntimeError, ValueError) as error:  # link loops, names longer than the system allows
        raise InputError(f"picture '{name}' cannot be looked up below {root}: {error}") from error
    if not path.is_relative_to(base):
        raise InputError(f"picture '{name}' is a link that leaves the image folder {root}; copy the file there.")
    if not found:
        raise InputError(f"picture '{name}' is not below {root}; {why_missing(base, name)}.")
    return path


def open_header(path: Path, name: str, max_megapixels: float) -> Image.Image:
    """Open a picture without decoding it, and refuse it by the size that its header declares.

    Pillow's own limit (179 megapixels by default) holds beside `max_megapixels`.

    Raises:
        InputError: the file is empty, not a picture, or too large.
    """
    try:
        if path.stat().st_size == 0:
            raise InputError(f"picture '{name}' is an empty file.")
        picture = Image.open(path, formats=FORMATS)
    except Image.DecompressionBombError as error:
        pixels = re.search(r"\d+", str(error))
        size = f"{int(pixels.group()) / 1e6:.0f} megapixels" if pixels else "too many pixels"
        raise InputError(f"picture '{name}' has {size}: {_too_large(max_megapixels)}") from error
    except InputError:
        raise
    except (FileNotFoundError, PermissionError) as error:
        raise InputError(f"picture '{name}' cannot be read: {error.strerror}") from error
    except Exception as error:  # a hostile header makes decoders raise anything
        with path.open("rb") as file:
            what = magic(file.read(4096)) or "is not a picture that can be read"
        if what.upper() in (f"IS A PICTURE ({known})" for known in FORMATS):
            # Pillow's own error of that kind says nothing but the file's full path
            said = "" if isinstance(error, UnidentifiedImageError) else f": {error}"
            raise InputError(f"picture '{name}' is cut off or damaged{said}.") from error
        raise InputError(f"picture '{name}' {what}; expected one of: {', '.join(FORMATS)}.") from error
    try:
        check_size(name, picture.width, picture.height, max_megapixels)
    except InputError:
        picture.close()
        raise
    return picture


def check_size(name: str, width: int, height: int, max_megapixels: float) -> None:
    """Refuse a picture by its size.

    Raises:
        InputError: it has too many pixels.
    """
    megapixels = width * height / 1e6
    if megapixels > max_megapixels:
        raise InputError(
            f"picture '{name}' has {megapixels:.0f} megapixels ({width} x {height}): {_too_large(max_megapixels)}"
        )


def _too_large(max_megapixels: float) -> str:
    return f"refused; the limit is {max_megapixels:g} megapixels. Make it smaller, or raise the limit."


def load_pixels(picture: Image.Image, name: str) -> None:
    """Decode an opened picture.

    Raises:
        InputError: its data is cut off or damaged.
    """
    try:
        picture.load()
    except Exception as error:  # decoders raise anything on damaged data
        raise InputError(f"picture '{name}' is cut off or damaged: {error}") from error


@contextmanager
def guarded(name: str) -> Iterator[None]:
    """Whatever goes wrong while a picture is turned, converted or resized is an InputError that names it."""
    try:
        yield
    except InputError:
        raise
    except Exception as error:
        raise InputError(f"picture '{name}' cannot be brought to RGB: {error}") from error


def orientation(picture: Image.Image) -> int:
    """The EXIF orientation, 1 to 8; 1 (upright) where there is no EXIF or none that can be read."""
    try:
        found = picture.getexif().get(0x0112, 1)
    except Exception:  # EXIF is written by anyone: Pillow raises what its parser happens to meet
        return 1
    return found if found in range(1, 9) else 1


def upright(picture: Image.Image) -> Image.Image:
    """A picture turned as its EXIF says; as it is where that cannot be read."""
    try:
        return ImageOps.exif_transpose(picture)
    except Exception:  # pixels are whole all the same
        turn = _TURNS.get(orientation(picture))
        return picture.transpose(turn) if turn is not None else picture


def open_picture(root: Path, name: str, max_megapixels: float) -> Image.Image:
    """A picture as people see it: RGB, turned as its EXIF says, transparency on white, the first frame.

    Args:
        root: the folder that all pictures lie below.
        name: path relative to `root`.
        max_megapixels: larger pictures are refused by their header, before memory is spent.

    Raises:
        InputError: the path is not allowed or missing, or the file is no picture, too large or damaged.
    """
    with open_header(picture_path(root, name), name, max_megapixels) as opened:
        load_pixels(opened, name)
        with guarded(name):
            return as_rgb(upright(opened))


def as_rgb(picture: Image.Image) -> Image.Image:
    """A decoded picture in RGB: 16 bits scaled to 8, transparency on white, CIELAB by its colours."""
    if picture.mode == "LAB":  # as print shops scan; `convert` would take the numbers for red, green and blue
        profiles = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
        picture = ImageCms.profileToProfile(picture, *profiles, outputMode="RGB") or picture
    if picture.mode.startswith(("I", "F")):  # 16 bits per pixel: Pillow would clip, not scale
        values = np.asarray(picture, dtype=np.float64)
        top = 65535 if values.max(initial=0) > 255 else 255
        picture = Image.fromarray((values * (255 / top)).clip(0, 255).astype(np.uint8))
    if picture.has_transparency_data:
        layer = picture.convert("RGBA")
        paper = Image.new("RGBA", layer.size, "white")
        paper.alpha_composite(layer)
        picture = paper
    return picture.convert("RGB")
