"""Pictures reach the page that predicts as people bring them: files dropped from a folder, and the clipboard's.

Chromium is handed the file of a drag and the keys of a paste as by its own window: what the page gets is the browser's.
"""

from __future__ import annotations

import base64
import io
from pathlib import Path

import pytest
from helpers.drawn_pictures import draw_screen
from helpers.own_shop import noise
from helpers.running import Running
from PIL import Image, ImageChops
from playwright.sync_api import Page, expect

from kdsl.serving.schemas import MOST_PICTURES

COPY = """async (kinds) => {
  const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt());
  const made = Object.entries(kinds).map(([type, text]) => [type, new Blob([bytes(text)], { type })]);
  await navigator.clipboard.write([new ClipboardItem(Object.fromEntries(made))]);
}"""
"""Puts content in base64, by its MIME type, on the browser's clipboard."""


@pytest.fixture
def asked(page: Page, server: Running) -> Page:
    """The page that predicts."""
    page.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=server.url)
    page.goto(f"{server.url}/screen/predict")
    return page


def content(image: Image.Image, kind: str = "PNG") -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind)
    return stream.getvalue()


def drop(page: Page, where: str, *files: Path, text: str = "") -> None:
    """Drag files, or a text, from outside of the browser, and drop them."""
    place = page.locator(where).bounding_box()
    assert place is not None
    items = [{"mimeType": "text/plain", "data": text}] if text else []
    data = {"items": items, "files": [str(file) for file in files], "dragOperationsMask": 1}
    session = page.context.new_cdp_session(page)
    for kind in ("dragEnter", "dragOver", "drop"):
        at = {"x": place["x"] + place["width"] / 2, "y": place["y"] + place["height"] / 2}
        session.send("Input.dispatchDragEvent", {"type": kind, **at, "data": data})


def paste(page: Page, into: str, **kinds: bytes) -> None:
    """Copy content and paste it where the cursor stands."""
    page.evaluate(COPY, {kind.replace("_", "/"): base64.b64encode(one).decode() for kind, one in kinds.items()})
    page.locator(into).focus()
    page.keyboard.press("Control+V")


def thumbnails(page: Page, count: int) -> None:
    """All pictures that were taken can be seen."""
    shown = page.locator("#chosen img")
    expect(shown).to_have_count(count)
    for one in shown.all():
        one.evaluate("image => image.decode()")


def test_a_dropped_and_a_pasted_picture_are_predicted(asked: Page, server: Running, tmp_path: Path) -> None:
    rule = {"label": "rust", "when": ["an OCR line contains 「立即购买」"], "id": "buy", "weight": 1, "save": True}
    assert server.client.post("/v1/rules/add", json=rule).status_code == 200
    screen, photo = draw_screen(("09:41", "我的订单", "立即购买")), noise(7)
    file = tmp_path / "订单 1"  # without an ending: what it is, the content says
    file.write_bytes(content(screen, "JPEG"))
    asked.locator("#dialogue").fill("user: will it rust")
    drop(asked, "#drop", file)
    thumbnails(asked, 1)
    paste(asked, "#dialogue", image_png=content(photo))
    thumbnails(asked, 2)
    expect(asked.locator("#drop")).not_to_have_class("drop over")
    asked.locator("#dialogue").press("Control+Enter")
    found = asked.locator("#found")
    expect(found.locator(".answer")).to_contain_text("rust")
    expect(found).to_contain_text("an OCR line contains 「立即购买」")
    expect(found.locator("rect")).to_have_count(1)
    expect(found.locator("img[data-sent]")).to_have_count(2)

    asked.get_by_role("button", name="This one: refund").click()
    expect(asked.locator("#corrected")).to_contain_text("refund")
    (*_, row) = server.services.feedback.export(server.services.served.recognizer.tasks)
    dropped, pasted = (base64.b64decode(one.partition(",")[2]) for one in row["image"])
    assert dropped == file.read_bytes()
    with Image.open(io.BytesIO(pasted)) as opened:  # a clipboard holds pixels, which the browser writes as a PNG
        assert ImageChops.difference(opened.convert("RGB"), photo).getbbox() is None
    assert server.client.post("/v1/rules/undo", json={"save": True}).status_code == 200


def test_a_picture_is_dropped_anywhere_and_each_drop_adds(asked: Page, tmp_path: Path) -> None:
    files = [tmp_path / f"{number}.png" for number in range(3)]
    for number, file in enumerate(files):
        file.write_bytes(content(noise(number)))
    drop(asked, "#dialogue", files[0])
    drop(asked, "h1", *files[1:])
    thumbnails(asked, 3)
    expect(asked.locator("#dialogue")).to_have_value("")
    asked.get_by_role("button", name="Clear").click()
    thumbnails(asked, 0)


def test_text_is_dropped_and_pasted_as_text(asked: Page) -> None:
    drop(asked, "#dialogue", text="will it rust")
    expect(asked.locator("#dialogue")).to_have_value("will it rust")
    cells = {"text_plain": "，会不会生锈".encode(), "text_html": "<table><td>，会不会生锈</table>".encode()}
    asked.locator("#dialogue").press("End")
    paste(asked, "#dialogue", image_png=content(noise(1)), **cells)  # as a spreadsheet copies its cells
    expect(asked.locator("#dialogue")).to_have_value("will it rust，会不会生锈")
    thumbnails(asked, 0)


def test_what_is_left_out_is_said(asked: Page, tmp_path: Path) -> None:
    for number in range(MOST_PICTURES + 1):
        (tmp_path / f"{number}.png").write_bytes(content(noise(number)))
    drop(asked, "#drop", *tmp_path.iterdir())
    thumbnails(asked, MOST_PICTURES)
    expect(asked.locator("#alert")).to_have_text(
        f"At most {MOST_PICTURES} pictures go together; the others were left out."
    )
    asked.get_by_role("button", name="Clear").click()
    drop(asked, "#drop", tmp_path, tmp_path / "0.png")
    thumbnails(asked, 1)
    expect(asked.locator("#alert")).to_have_text("A folder was left out: drop the pictures in it.")
    asked.get_by_role("button", name="Clear").click()
    (tmp_path / "notes.txt").write_text("no picture", "utf-8")
    drop(asked, "#drop", tmp_path / "notes.txt")
    asked.get_by_role("button", name="Predict", exact=True).click()
    expect(asked.locator("#alert")).to_contain_text("picture '1' is not a picture")
