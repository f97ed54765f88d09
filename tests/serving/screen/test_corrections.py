"""The queue by keyboard, and the candidate that its labels make, as a person does it, in both languages."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.corrected_shop import QUICK, shop_file
from helpers.running import Running, running
from playwright.sync_api import Page, expect

from kdsl import Recognizer, Sample
from kdsl.corrections.queue import Asked
from kdsl.serving.settings import ServerSettings

from .test_pages import serious

TEXTS = ("发货了吗", "where is my parcel", "物流到哪了", "has it been shipped", "几天能到")


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Running]:
    """A server with five samples in its queue."""
    Recognizer.fit(shop_file(tmp_path), out=tmp_path / "shop", overrides=QUICK).close()
    with running(ServerSettings(tmp_path / "shop", state=tmp_path / "state")) as started:
        recognizer = started.services.served.recognizer
        for text in TEXTS:
            found = recognizer.predict(Sample.dialogue([text]))
            started.services.queue.add([Asked("shop", [("user", text)], (), found, "v1")], "file")
        yield started


@pytest.mark.parametrize("language", ["en", "zh"])
def test_five_samples_by_keyboard_and_a_refit(shop: Running, page: Page, language: str) -> None:
    words = {
        "en": ("Make a candidate", "Serve the candidate", "Back to shop"),
        "zh": ("拟合候选模型", "切换到候选模型", "退回 shop"),
    }
    make, serve, back = words[language]
    waiting = {"en": "{} wait", "zh": "共 {} 个"}[language].format
    page.goto(f"{shop.url}/screen/queue?lang={language}")
    heading = page.locator("#queued h2")
    expect(heading).to_contain_text(waiting(5))
    assert serious(page) == []
    first = page.locator("#queued .turns").inner_text()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#queued .turns")).not_to_have_text(first)
    page.keyboard.press("ArrowLeft")
    expect(page.locator("#queued .turns")).to_have_text(first)
    page.keyboard.press("0")
    expect(heading).to_contain_text(waiting(4))
    page.keyboard.press("u")
    expect(heading).to_contain_text(waiting(5))
    expect(page.locator("#queued .turns")).to_have_text(first)
    page.locator("#keys").uncheck()
    page.keyboard.press("1")
    page.locator("#keys").check()
    for left in range(4, -1, -1):
        key = page.locator("#queued button[value=stock]").get_attribute("data-key")
        page.keyboard.press(str(key))
        if left:
            expect(heading).to_contain_text(waiting(left))
    expect(page.locator("#queued button[data-key='0']")).to_have_count(0)
    assert sorted(row["output"] for row in shop.services.feedback.export(shop.services.served.recognizer.tasks)) == [
        "stock"
    ] * len(TEXTS)

    page.goto(f"{shop.url}/screen/refit")
    assert serious(page) == []
    page.get_by_role("button", name=make).click()
    expect(page.get_by_role("button", name=serve)).to_be_visible()
    expect(page.get_by_role("rowheader", name="rust")).to_be_visible()
    assert serious(page) == []
    page.get_by_role("button", name=serve).click()
    expect(page.get_by_role("button", name=back)).to_be_visible()
    assert shop.services.served.name == "shop-refit-1"
    page.get_by_role("button", name=back).click()
    expect(page.locator("#candidate dl")).not_to_contain_text("working")
    expect(page.get_by_role("button", name=serve)).to_be_visible()
    assert shop.services.served.name == "shop"
