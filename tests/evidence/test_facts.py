"""Facts of drawn pictures: photo or screenshot, popup, colours, size."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from helpers.drawn_pictures import draw_photo, draw_popup, draw_screen
from PIL import Image

from kdsl.evidence.facts import has_status_bar, picture_facts
from kdsl.evidence.pixels import HUE_ENDS, PixelStats, measure, read_pixels
from kdsl.evidence.types import OcrLine

CLOCK = OcrLine("9:41", 0.9, (20, 10, 80, 40))


def measured(picture: Image.Image) -> PixelStats:
    return measure(picture, picture.size)


@pytest.mark.parametrize("dark", [False, True])
def test_a_drawn_page_is_a_screenshot(dark: bool) -> None:
    page = draw_screen()
    if dark:
        page = Image.fromarray(255 - np.asarray(page))
    facts = picture_facts(measured(page), [CLOCK])
    assert facts.kind == "screenshot"
    assert not facts.overlay
    assert facts.dark is dark
    assert facts.aspect == pytest.approx(1170 / 540)


@pytest.mark.parametrize("seed", range(5))
def test_shading_with_grain_is_a_photo(seed: int) -> None:
    facts = picture_facts(measured(draw_photo(seed)), [])
    assert facts.kind == "photo"
    assert not facts.has_text
    assert not facts.overlay


def test_a_photo_shown_on_a_phone_is_a_screenshot() -> None:
    viewer = draw_photo().crop((0, 0, 300, 600))
    assert picture_facts(measured(viewer), []).kind == "screenshot"  # taller than any camera's format
    shown = measured(draw_photo())
    assert picture_facts(shown, [CLOCK]).kind == "screenshot"  # a clock at the top
    late = OcrLine("9:41", 0.9, (20, 300, 80, 330))
    assert not has_status_bar(shown, [late])


def test_a_popup_is_an_overlay() -> None:
    facts = picture_facts(measured(draw_popup()), [CLOCK])
    assert facts.overlay
    assert facts.kind == "screenshot"


@pytest.mark.parametrize(
    ("colour", "index"),
    [
        ("#ff0000", 0),
        ("#ff0030", 0),
        ("#ff7f00", 1),
        ("#ffe000", 2),
        ("#00c000", 3),
        ("#00c8d8", 4),
        ("#0050ff", 5),
        ("#8020ff", 6),
        ("#ff20b0", 7),
        ("#000000", 8),
        ("#909090", 9),
        ("#ffffff", 10),
    ],
)
def test_colours_have_their_names(colour: str, index: int) -> None:
    colours = measured(Image.new("RGB", (40, 30), colour)).colours
    assert len(colours) == len(HUE_ENDS) + 3
    assert colours[index] == 1


def test_text_cover_is_a_share() -> None:
    page = Image.new("RGB", (100, 100), "white")
    lines = [OcrLine("半", 1, (0, 0, 100, 50))]
    assert picture_facts(measured(page), lines).text_cover == pytest.approx(0.5)
    assert picture_facts(measured(page), lines * 3).text_cover == 1


@pytest.mark.parametrize("size", [(1, 1), (1, 4000), (4000, 1), (255, 257)])
def test_any_shape_can_be_measured(size: tuple[int, int]) -> None:
    stats = measured(Image.new("RGB", size, "white"))
    assert (stats.width, stats.height) == size
    assert stats.paper == stats.flat == 1


def test_measures_survive_the_cache() -> None:
    stats = measured(draw_popup())
    again = PixelStats.from_json(stats.to_json())
    assert again.colours == pytest.approx(stats.colours, abs=1e-5)
    assert again.scrim == pytest.approx(stats.scrim, abs=1e-5)
    assert PixelStats.from_json(again.to_json()) == again


def test_reduced_decoding_tells_the_full_size_and_turns_by_exif(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was held upright: shown with its sides swapped
    draw_photo().resize((1600, 1200)).save(tmp_path / "turned.jpg", exif=exif)
    stats = read_pixels(tmp_path, "turned.jpg", 10)
    assert (stats.width, stats.height) == (1200, 1600)
    assert picture_facts(stats, []).kind == "photo"


def test_cells_say_where_the_colours_are() -> None:
    picture = Image.new("RGB", (40, 60), "white")
    picture.paste((255, 0, 0), (30, 50, 40, 60))  # the last cell of 6 rows by 4 columns
    cells = np.array(measured(picture).cells).reshape(6, 4, 4)
    assert cells[-1, -1] == pytest.approx([1 / 3, 1, 0, 0], abs=1e-4)
    assert cells[0, 0] == pytest.approx([1, 0, 0, 0], abs=1e-4)
    assert len(measured(Image.new("RGB", (2, 3))).cells) == 96  # smaller than the grid
