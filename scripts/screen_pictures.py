"""Draws the pictures of docs/screen.md: fits a small bundle, serves it, and takes pictures of its screen in Chromium.

    python scripts/screen_pictures.py            # writes docs/pictures/screen-*.png

All that is seen is made up here or drawn by kdsl's synthetic world. It needs the extra `dev`, a `chromium`, and a
Chinese font (Debian: fonts-wqy-microhei).
"""

from __future__ import annotations

import io
import json
import random
import shutil
import sys
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from kdsl import Recognizer, Sample
from kdsl.config_file import load_config
from kdsl.serving.settings import ServerSettings
from kdsl.world.screens import draw_screen

ROOT = Path(__file__).parents[1]
OUT = ROOT / "docs" / "pictures"
COLOURS = 96
"""Of a picture's palette: enough for a page, and small files."""
ASKED = {
    "refund": ("钱退了吗", "退款到哪了", "给我退钱", "money back please", "where is my refund", "pay me back"),
    "rust": (
        "会不会生锈",
        "用久了生锈吗",
        "水里泡着会锈吗",
        "will it rust",
        "does it rust in water",
        "rust after a year",
    ),
    "stock": ("还补货吗", "什么时候补货", "没货了吗", "is it in stock", "when is it back", "sold out again"),
}
UNCLEAR = {"refund": "这个怎么办", "rust": "怎么回事呢", "stock": "在吗亲"}
SNIPPETS = [
    {"id": "refund-days", "title": "退款多久到账", "text": "退款一般三到五个工作日到账。", "label": "refund"},
    {"id": "steel", "title": "材质会生锈吗", "text": "304 不锈钢，日常使用不会生锈。", "label": "rust"},
]


def main() -> None:
    sys.path.insert(0, str(ROOT / "tests"))
    from helpers.running import running

    OUT.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        settings = fitted(Path(folder))
        with running(settings) as server, sync_playwright() as playwright:
            rule = {"label": "refund", "when": ["an OCR line contains 「退款」"], "weight": 2, "save": True}
            server.client.post("/v1/rules/add", json=rule).raise_for_status()
            path = shutil.which("chromium")
            browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
            desktop(browser, server.url)
            phone(browser, server.url)
            browser.close()


def fitted(folder: Path) -> ServerSettings:
    """A small bundle with snippets, and the samples that it was fitted on."""
    samples = [
        Sample.dialogue([f"{text} {number}"], label=label, id=f"{label}-{place}-{number}")
        for label, texts in ASKED.items()
        for place, text in enumerate(texts)
        for number in range(2)
    ]
    samples += [Sample.dialogue([text], label=label, id=f"unclear-{label}") for label, text in UNCLEAR.items()]
    rows = [{"id": s.id, "text": s.turns[0].raw, "label": s.label} for s in samples]
    (folder / "labelled.jsonl").write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows), "utf-8")
    (folder / "faq.json").write_text(json.dumps([one | {"task": "samples"} for one in SNIPPETS]), "utf-8")
    overrides = ["large=null", "small=null", "rules.simulations=100", f"knowledge.snippets={folder / 'faq.json'}"]
    Recognizer.fit(samples, out=folder / "shop", config=load_config("configs/nano.yaml", overrides)).close()
    return ServerSettings(folder / "shop", data=(folder / "labelled.jsonl",), timeout=600)


def drawn() -> bytes:
    """A screen of the synthetic world."""
    stream = io.BytesIO()
    draw_screen("退款页面", random.Random(3), 1.5).image.save(stream, "PNG")
    return stream.getvalue()


def predict(page: Page, text: str) -> None:
    page.locator("#dialogue").fill(text)
    page.locator("#pictures").set_input_files({"name": "a.png", "mimeType": "image/png", "buffer": drawn()})
    page.locator("#dialogue").press("Control+Enter")
    page.locator("#found .answer").wait_for()
    page.locator("#found img").first.wait_for()


def desktop(browser: Browser, url: str) -> None:
    page = browser.new_page(viewport={"width": 1120, "height": 1180}, locale="en-GB")
    page.set_default_timeout(300_000)
    page.goto(f"{url}/screen/predict")
    predict(page, "用户：你好\n客服：亲，有什么可以帮您\n用户：钱退了吗")
    save(page, "predict")
    page.set_viewport_size({"width": 1120, "height": 900})
    page.goto(f"{url}/screen/rules/rule?id=samples/hand-1")
    page.locator("#weight").fill("4")
    page.get_by_role("button", name="Show the effect", exact=True).click()
    page.locator("#effect h2").wait_for()
    save(page, "rule")
    page.goto(f"{url}/screen/report")
    save(page, "report")


def phone(browser: Browser, url: str) -> None:
    page = browser.new_page(viewport={"width": 360, "height": 740}, device_scale_factor=2, locale="zh-CN")
    page.set_default_timeout(300_000)
    page.goto(f"{url}/screen/predict")
    predict(page, "用户：钱退了吗")
    page.locator("#found").scroll_into_view_if_needed()
    save(page, "phone")


def save(page: Page, name: str) -> None:
    image = Image.open(io.BytesIO(page.screenshot()))
    image.quantize(COLOURS, dither=Image.Dither.NONE).save(OUT / f"screen-{name}.png", optimize=True)


if __name__ == "__main__":
    main()
