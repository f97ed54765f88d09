"""What the screen is for, done in a browser as a person does it."""

from __future__ import annotations

import base64
import io
import json
import sys
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from helpers.drawn_pictures import draw_screen
from helpers.running import Running, said
from playwright.sync_api import Page, Route, expect

from .conftest import EVIL

NAME = "../kdsl-<b>name.png"
"""Of an upload."""
OPENED: list[str] = []
"""Files named like it that this process opened or made; the server runs in this process."""


def _watch(event: str, given: Any) -> None:
    if event in ("open", "os.mkdir", "os.rename", "os.link", "os.symlink") and "<b>name" in str(given[0]):
        OPENED.append(str(given[0]))


sys.addaudithook(_watch)


def picture() -> bytes:
    stream = io.BytesIO()
    draw_screen(("09:41", "我的订单", "立即购买")).save(stream, "PNG")
    return stream.getvalue()


def rule(server: Running, command: str, **body: object) -> None:
    answer = server.client.post(f"/v1/rules/{command}", json={**body, "save": True})
    assert answer.status_code == 200, answer.text


def serious(page: Page) -> list[str]:
    """Faults that axe finds, but small ones."""
    found = Axe().run(page).response["violations"]
    return [
        f"{one['id']}: {node['html']}"
        for one in found
        if one["impact"] in ("serious", "critical")
        for node in one["nodes"]
    ]


def width_to_spare(page: Page) -> int:
    """What a page is narrower than its window; a page to scroll sideways is wider."""
    return int(page.evaluate("innerWidth - document.documentElement.scrollWidth"))


def predict(page: Page, text: str) -> None:
    page.locator("#dialogue").fill(text)
    page.locator("#dialogue").press("Control+Enter")
    expect(page.locator("#found .answer")).to_be_focused()


def test_a_picture_is_predicted_with_its_boxes_and_corrected(page: Page, server: Running) -> None:
    rule(server, "add", label="rust", when=["an OCR line contains 「立即购买」"], id="buy", weight=1)
    page.goto(f"{server.url}/screen/predict")
    page.locator("#dialogue").fill("user: will it rust\nagent: no")
    page.locator("#pictures").set_input_files({"name": NAME, "mimeType": "image/png", "buffer": picture()})
    expect(page.get_by_role("img", name="Picture 1")).to_be_visible()
    page.get_by_role("button", name="Predict", exact=True).click()
    found = page.locator("#found")
    expect(found.locator(".answer")).to_be_focused()
    expect(found.locator(".answer")).to_contain_text("rust")
    expect(found).to_contain_text("0 model calls, 0 output tokens")
    expect(found).to_contain_text("an OCR line contains 「立即购买」")
    expect(found).to_contain_text("source: sample rust-")
    image, box = found.locator("img[data-sent]"), found.locator("rect")
    expect(box).to_have_count(1)
    assert image.evaluate("image => image.complete && image.naturalWidth") == 540
    whole, marked = image.bounding_box(), box.bounding_box()
    assert whole is not None
    assert marked is not None
    top = (marked["y"] - whole["y"]) / whole["height"]
    assert top == pytest.approx(220 / 1170, abs=0.02)  # where the line was drawn
    assert serious(page) == []
    assert OPENED == []
    rule(server, "undo")

    before = server.services.feedback.count()
    page.get_by_role("button", name="This one: refund").click()
    expect(page.locator("#corrected")).to_contain_text("refund")
    rows = list(server.services.feedback.export(server.services.served.recognizer.tasks))
    assert len(rows) == before + 1
    assert rows[-1]["output"] == "refund"
    assert base64.b64decode(rows[-1]["image"][0].partition(",")[2]) == picture()
    assert rows[-1]["feedback"]["prediction"]["label"] == "rust"
    page.locator("#corrected").get_by_role("button", name="Undo").click()
    expect(page.locator("#corrected")).to_contain_text("was taken back")
    assert server.services.feedback.count() == before


def test_what_fits_no_label_is_said_and_markup_is_shown_as_text(page: Page, server: Running) -> None:
    page.goto(f"{server.url}/screen/predict")
    predict(page, f"user: rust {EVIL}\nagent: {EVIL}")
    found = page.locator("#found")
    expect(found.locator(".answer")).to_have_text("None of these")
    expect(found.locator(".alert")).to_contain_text("Probably no label fits")
    expect(found.locator(".turns")).to_contain_text(f"rust {EVIL}")
    expect(found.get_by_role("listitem").filter(has_text="source: snippets.json")).to_contain_text(f"rust {EVIL}")
    assert page.evaluate("window.evil") is None
    assert serious(page) == []


def test_a_correction_is_about_what_was_predicted_whatever_the_form_says_by_then(page: Page, server: Running) -> None:
    page.goto(f"{server.url}/screen/predict")
    predict(page, "will it rust 1")
    page.locator("#dialogue").fill("another text")
    page.get_by_role("button", name="None of these").click()
    expect(page.locator("#corrected")).to_contain_text("None of these")
    row = list(server.services.feedback.export(server.services.served.recognizer.tasks))[-1]
    assert "will it rust 1" in json.dumps(row, ensure_ascii=False)
    assert "another text" not in json.dumps(row)


def test_a_correction_is_about_the_result_that_is_shown_though_a_later_one_was_asked_for(
    page: Page, server: Running
) -> None:
    held: list[Route] = []
    page.goto(f"{server.url}/screen/predict")
    page.route("**/screen/predict", lambda route: held.append(route))
    for count, text in enumerate(("will it rust 1", "money back 1"), 1):
        page.locator("#dialogue").fill(text)
        with page.expect_request("**/screen/predict"):
            page.locator("#dialogue").press("Control+Enter")
        assert len(held) == count
    for route in reversed(held):  # the first answer comes last
        with page.expect_response("**/screen/predict"):
            route.continue_()
    expect(page.locator("#found .turns")).to_contain_text("will it rust 1")
    page.get_by_role("button", name="None of these").click()
    expect(page.locator("#corrected")).to_contain_text("None of these")
    row = list(server.services.feedback.export(server.services.served.recognizer.tasks))[-1]
    assert "will it rust 1" in row["instruction"]
    assert "money back 1" not in row["instruction"]


def test_an_example_is_predicted_by_one_click(page: Page, server: Running) -> None:
    page.goto(f"{server.url}/screen/predict")
    page.get_by_role("button", name="samples: refund").click()
    expect(page.locator("#found .answer")).to_be_focused()
    expect(page.locator("#dialogue")).to_have_value("refund")


def test_what_is_unsure_asks_for_a_person(page: Page, server: Running) -> None:
    page.goto(f"{server.url}/screen/predict?lang=zh")
    predict(page, "hm")
    expect(page.locator("#found .alert")).to_contain_text("请转人工")
    expect(page.locator("#found")).to_contain_text("模型调用 0 次")


def test_what_cannot_be_predicted_is_said(page: Page, server: Running) -> None:
    page.goto(f"{server.url}/screen/predict")
    page.locator("#pictures").set_input_files({"name": "a.png", "mimeType": "image/png", "buffer": b"no picture"})
    page.get_by_role("button", name="Predict", exact=True).click()
    expect(page.locator("#alert")).to_contain_text("picture '1' is not a picture")
    page.locator("#pictures").set_input_files([])
    page.get_by_role("button", name="Predict", exact=True).click()
    expect(page.locator("#alert")).to_have_text("there is nothing to predict: write a dialogue, or add a picture.")
    predict(page, "will it rust")
    for text, message in {
        "锈" * 20_001: "a turn has 20,001 letters, and at most 20,000 are read: paste what matters.",
        "user: rust\n" * 201: "the dialogue has 201 turns, and at most 200 are read: paste its end.",
    }.items():
        page.locator("#dialogue").fill(text)
        page.locator("#dialogue").press("Control+Enter")
        expect(page.locator("#alert")).to_have_text(message)
        expect(page.locator("#found")).to_be_empty()  # no result of another text stands beside the error


def test_why_a_person_is_asked_is_said(page: Page, server: Running) -> None:
    page.goto(f"{server.url}/screen/predict")
    predict(page, "hello, thanks")
    expect(page.locator("#found .alert")).to_contain_text("the sample tells nothing")
    expect(page.locator("#found .alert")).not_to_contain_text("below the threshold")


def test_that_rules_have_no_vote_is_said_where_they_fired(
    page: Page, server: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    rule(server, "add", label="refund", when=["a user turn contains 「money」"], id="told", weight=5)
    page.goto(f"{server.url}/screen/predict")
    predict(page, "money back")
    note = page.locator("#found").get_by_text("have no vote in this bundle")
    expect(note).to_have_count(0)
    weights = server.services.served.recognizer._predictor.tasks["samples"].router.first.weights
    monkeypatch.setitem(weights, "rules", 0.0)  # as a fit leaves it where held-out samples gain nothing by it
    predict(page, "money back")
    expect(note).to_have_count(1)
    rule(server, "undo")


def test_a_rule_is_added_edited_and_taken_back(page: Page, server: Running) -> None:
    def fired() -> list[str]:
        found = server.client.post("/v1/predict", json=said("气泡")).json()["prediction"]
        return [one["id"] for one in found["trace"]["rules"]]

    page.goto(f"{server.url}/screen/rules")
    page.get_by_text("Add a rule").click()
    page.locator("#new-label").select_option("refund")
    page.locator("#when").fill('a user turn contains "气泡"')
    page.locator("#reason").fill(EVIL)
    page.get_by_role("button", name="Show the effect", exact=True).click()
    effect = page.locator("#effect")
    expect(effect.get_by_role("heading", name="Effect of the change")).to_be_focused()
    expect(effect).to_contain_text("The whole bundle, on 39 labelled samples")
    assert fired() == []
    assert serious(page) == []
    effect.get_by_role("button", name="Save").click()
    expect(effect).to_contain_text("Saved as version")
    assert fired() == ["hand-1"]

    page.locator("#text").fill("气泡")
    page.locator("#text").press("Enter")
    page.get_by_role("link", name="hand-1").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("hand-1")
    page.locator("#weight").fill("2.5")
    page.locator("#any").fill("the moon is full")
    page.get_by_role("button", name="Show the effect", exact=True).click()
    expect(page.locator("#alert")).to_contain_text("'the moon is full' is not a literal")
    page.locator("#any").fill("")
    page.get_by_role("button", name="Show the effect", exact=True).click()
    expect(effect).to_contain_text("weight: 3.0 → 2.5")
    effect.get_by_role("button", name="Save").click()
    expect(effect).to_contain_text("Saved as version")

    effect.get_by_role("link", name="History").click()
    expect(page.get_by_role("table")).to_contain_text(EVIL)
    assert page.evaluate("window.evil") is None
    assert serious(page) == []
    page.get_by_role("button", name="Undo the last change").click()
    expect(effect).to_contain_text("weight: 2.5 → 3.0")
    rule(server, "disable", id="hand-1")
    effect.get_by_role("button", name="Save").click()
    expect(page.locator("#alert")).to_contain_text("the book was changed since")
    page.reload()
    page.get_by_role("button", name="Back to version 0").click()
    expect(effect.locator("del")).to_contain_text("hand-1")
    effect.get_by_role("button", name="Save").click()
    expect(effect).to_contain_text("Saved as version")
    assert fired() == []


def test_rules_are_filtered_sorted_and_shown_with_their_samples(page: Page, server: Running) -> None:
    page.goto(f"{server.url}/screen/rules?lang=zh")
    page.locator("#label").select_option("refund")
    page.wait_for_url("**label=refund**")
    page.locator("#sort").select_option("weight")
    page.wait_for_url("**sort=weight**")
    rows = page.get_by_role("table").locator("tbody tr")
    weights = [float(row.locator("td").nth(2).inner_text()) for row in rows.all()]
    assert weights == sorted(weights, reverse=True)
    assert {row.locator("td").first.inner_text() for row in rows.all()} == {"refund"}
    rows.first.get_by_role("link").click()
    expect(page.get_by_role("heading", name="判对")).to_be_visible()
    expect(page.locator("mark").first).to_be_visible()
    expect(page.locator(".sentence")).to_contain_text("用户的某句话")
    assert serious(page) == []


def test_who_may_not_change_rules_sees_no_form(page: Page, keyed: tuple[Running, dict[str, str]]) -> None:
    started, keys = keyed
    page.goto(f"{started.url}/screen/sign-in")
    page.locator("#key").fill(keys["reader"])
    page.keyboard.press("Enter")
    page.get_by_role("link", name="Rules").click()
    expect(page.get_by_role("table")).to_be_visible()
    assert page.get_by_text("Add a rule").count() == 0
    page.wait_for_load_state()
    answer = page.evaluate(
        "async () => (await ask('/screen/rules/undo', new FormData()), document.getElementById('alert').textContent)"
    )
    assert "a key with the role 'admin'" in answer


def test_the_report_shows_confusions_and_what_a_threshold_does(page: Page, server: Running) -> None:
    page.goto(f"{server.url}/screen/report")
    slider, says = page.locator("#threshold"), page.locator("#threshold-says")
    expect(page.get_by_role("table").get_by_role("row")).to_have_count(4)
    slider.press("Home")
    expect(says).to_contain_text("At 0.000: 39 of 39 are answered")
    slider.press("End")
    expect(says).to_contain_text("0 of 39 are answered")
    assert serious(page) == []
    page.get_by_role("listitem").filter(has_text="→").first.get_by_role("link").click()
    expect(page.get_by_role("listitem").filter(has_text="hm").first).to_be_visible()
    assert page.evaluate("window.evil") is None


def test_all_pages_fit_a_phone_in_both_languages(phone: Page, server: Running) -> None:
    for language in ("en", "zh"):
        phone.goto(f"{server.url}/screen/predict?lang={language}")
        predict(phone, f"用户：钱退了吗 {EVIL} {'x' * 2000}")
        assert width_to_spare(phone) >= 0
        assert serious(phone) == []
        for name in ("rules", "report", "rules/history?task=samples"):
            phone.goto(f"{server.url}/screen/{name}")
            assert width_to_spare(phone) >= 0, name
            assert serious(phone) == [], name


def test_colours_can_be_read_in_the_dark(page: Page, server: Running) -> None:
    page.emulate_media(color_scheme="dark")
    page.goto(f"{server.url}/screen/predict")
    predict(page, "will it rust, money back")
    assert serious(page) == []
