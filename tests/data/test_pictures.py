from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from helpers.own_shop import noise, png_header
from PIL import Image

from kdsl.data.duplicates import fingerprint
from kdsl.data.pictures import FORMATS, guarded, open_picture, picture_path
from kdsl.errors import InputError


@pytest.mark.parametrize(
    ("size", "found"),
    [
        ((20_000, 10_000), "200 megapixels"),  # beyond Pillow's own limit as well
        ((13_000, 10_000), r"130 megapixels \(13000 x 10000\)"),
    ],
)
@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_too_many_pixels_are_refused_by_the_header(images: Path, size: tuple[int, int], found: str):
    (images / "huge.png").write_bytes(png_header(*size))
    with pytest.raises(InputError, match=f"'huge.png' has {found}.*limit is 100 megapixels"):
        open_picture(images, "huge.png", 100)


def test_the_limit_is_a_setting(images: Path):
    noise(1, (1000, 600)).save(images / "mid.png")
    assert open_picture(images, "mid.png", 0.6).size == (1000, 600)
    with pytest.raises(InputError, match=r"0\.5"):
        open_picture(images, "mid.png", 0.5)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is an empty file"),
        (b"<html>404</html>", "is not a picture that can be read; expected one of: JPEG"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "is not a picture that can be read"),
        (
            b"\0\0\0\x18ftypheic" + bytes(99),
            r"is a picture \(HEIC or AVIF, .*\); expected one of: JPEG",
        ),
        (b"%PDF-1.7", "is a PDF"),
        (png_header(30, 30), "is cut off or damaged"),
        (png_header(30, 30)[:20], "is cut off or damaged"),
    ],
)
def test_broken_pictures(images: Path, content: bytes, message: str):
    (images / "x.png").write_bytes(content)
    with pytest.raises(InputError, match=f"'x.png' {message}"):
        open_picture(images, "x.png", 100)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_cut_off_pictures(images: Path, kind: str):
    path = images / "cut"
    noise(3, (640, 480)).save(path, kind)
    path.write_bytes(path.read_bytes()[:-400])
    with pytest.raises(InputError, match=r"'cut' is cut off or damaged"):
        open_picture(images, "cut", 100)


@pytest.mark.parametrize("kind", FORMATS)
def test_every_format_that_is_promised(images: Path, kind: str):
    noise(2).save(images / "any", kind)
    picture = open_picture(images, "any", 100)
    assert (picture.mode, picture.size) == ("RGB", (48, 64))


def test_the_ending_says_nothing(images: Path):
    noise(2).save(images / "photo.png", "JPEG")
    picture = open_picture(images, "photo.png", 100)
    assert (picture.mode, picture.size) == ("RGB", (48, 64))


def test_exif_turns_the_picture(images: Path):
    picture = Image.new("RGB", (40, 20), "red")
    exif = Image.Exif()
    exif[0x0112] = 6  # taken with the phone turned by a quarter
    picture.save(images / "turned.jpg", exif=exif)
    assert open_picture(images, "turned.jpg", 100).size == (20, 40)


def test_transparency_becomes_white(images: Path):
    clear = Image.new("RGBA", (4, 4), (200, 0, 0, 0))
    clear.putpixel((0, 0), (200, 0, 0, 255))
    clear.save(images / "clear.png")
    palette = Image.new("P", (4, 4), 0)
    palette.putpalette([0, 0, 0, 255, 0, 0])
    palette.save(images / "palette.png", transparency=0)
    seen = open_picture(images, "clear.png", 100)
    assert [seen.getpixel((0, 0)), seen.getpixel((3, 3))] == [(200, 0, 0), (255, 255, 255)]
    assert open_picture(images, "palette.png", 100).getpixel((1, 1)) == (255, 255, 255)


def test_grey_sixteen_bits_and_cmyk(images: Path):
    Image.fromarray(np.full((4, 4), 32768, dtype=np.uint16)).save(images / "deep.png")
    Image.new("CMYK", (4, 4), (0, 0, 0, 0)).save(images / "print.jpg")
    assert open_picture(images, "deep.png", 100).getpixel((0, 0)) == (127, 127, 127)
    assert open_picture(images, "print.jpg", 100).getpixel((0, 0)) == (255, 255, 255)


def test_the_first_frame_of_an_animation(images: Path):
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("lime", "blue")]
    frames[0].save(images / "moves.gif", save_all=True, append_images=frames[1:])
    assert open_picture(images, "moves.gif", 100).getpixel((0, 0)) == (0, 255, 0)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("../secret.png", r"leaves the image folder by '\.\.'"),
        ("sub/../../secret.png", r"leaves the image folder by '\.\.'"),
        ("..\\secret.png", r"leaves the image folder by '\.\.'"),
        ("/etc/passwd", "is an absolute path"),
        ("C:\\pictures\\a.png", "is an absolute path"),
        ("http://shop.example/a.png", "is a URL; kdsl fetches nothing"),
        ("file:///etc/passwd", "is a URL"),
        ("a\0.png", "is not a file name"),
        (" ", "is not a file name"),
        ("none.png", "is not below .*is it the right folder. It holds 6 file"),
        ("x" * 5000, "cannot be looked up"),
    ],
)
def test_names_that_are_refused(images: Path, name: str, message: str):
    (images.parent / "secret.png").write_bytes((images / "a.png").read_bytes())
    with pytest.raises(InputError, match=message):
        picture_path(images, name)


def test_links_may_not_leave_the_root(images: Path):
    outside = images.parent / "secret.png"
    outside.write_bytes((images / "a.png").read_bytes())
    os.symlink(outside, images / "leak.png")
    os.symlink(images / "a.png", images / "inside.png")
    os.symlink(images / "loop.png", images / "loop.png")
    with pytest.raises(InputError, match=r"'leak.png' is a link that leaves"):
        picture_path(images, "leak.png")
    assert picture_path(images, "inside.png") == (images / "a.png").resolve()
    with pytest.raises(InputError, match=r"'loop.png'"):
        picture_path(images, "loop.png")


def test_a_root_that_is_a_link_or_missing(images: Path):
    os.symlink(images, images.parent / "alias")
    assert picture_path(images.parent / "alias", "a.png") == (images / "a.png").resolve()
    with pytest.raises(InputError, match="that folder does not exist"):
        picture_path(images.parent / "nowhere", "a.png")


@pytest.mark.parametrize(
    ("stored", "name", "message"),
    [
        ("sub/g.png", "sub\\g.png", r"there is 'sub/g.png': write / instead of "),
        ("sub/g.png", "sub/G.PNG", "there is 'sub/g.png': upper and lower case count"),
        ("g\u00e9.png", "ge\u0301.png", "another form of Unicode"),
        ("ge\u0301.png", "g\u00e9.png", "another form of Unicode"),
        ("g.png", "images/g.png", "there is 'g.png': the path begins with 'images/', which is no part of that folder"),
        ("sub/g.png", "data/train/sub/g.png", "there is 'sub/g.png': the path begins with 'data/train/'"),
        ("sub/g.png", "g.png", "there is 'sub/g.png', in another folder"),
        ("g.jpg", "g.png", "there is 'g.jpg', with another ending"),
        ("g.png", "zzz.png", "is it the right folder"),
    ],
)
def test_a_missing_picture_is_looked_for(images: Path, stored: str, name: str, message: str):
    (images / stored).parent.mkdir(exist_ok=True)
    (images / stored).write_bytes(b"x")
    with pytest.raises(InputError, match=message):
        picture_path(images, name)


def test_a_missing_and_an_empty_folder_are_named(tmp_path: Path):
    with pytest.raises(InputError, match="that folder does not exist"):
        picture_path(tmp_path / "none", "a.png")
    with pytest.raises(InputError, match="that folder is empty"):
        picture_path(tmp_path, "a.png")


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "JPEG", "TIFF"])
@pytest.mark.parametrize("exif", [b"Exif\0\0no TIFF", b"b'Exif\\x00", b"Exif\0\0II*\0\xff\xff\xff\xff", b"x"])
def test_malformed_exif_leaves_the_pixels_as_they_are(images: Path, kind: str, exif: bytes):
    noise(1).save(images / "x", kind, **({} if kind == "TIFF" else {"exif": exif}))
    assert open_picture(images, "x", 100).size == noise(1).size
    assert fingerprint(images, "x", 100).width == noise(1).width


def test_a_lab_picture_is_read_by_its_colours_by_check_and_fit_alike(images: Path):
    Image.new("LAB", (4, 4), (255, 128, 128)).save(images / "lab.tiff")  # the lightest, without colour
    assert np.asarray(open_picture(images, "lab.tiff", 100)).min() > 250
    assert fingerprint(images, "lab.tiff", 100).width == 4


def test_whatever_fails_in_a_conversion_is_an_input_error_with_the_pictures_name():
    with pytest.raises(InputError, match=r"picture 'a.png' cannot be brought to RGB: 3"), guarded("a.png"):
        raise KeyError(3)
