"""The frame of the screen: signing in, languages, keyboard, what a browser may load, and who may ask for what."""

from __future__ import annotations

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from fastapi.routing import APIRoute
from helpers.running import Running
from playwright.sync_api import Page, expect

from kdsl.serving.screen.app import PAGES
from kdsl.serving.screen.paths import SIGN_IN
from kdsl.serving.sessions import COOKIE

Keyed = tuple[Running, dict[str, str]]


def sign_in(page: Page, keyed: Keyed, who: str) -> None:
    started, keys = keyed
    page.goto(f"{started.url}/screen/sign-in")
    page.get_by_label("Key").fill(keys[who])
    page.keyboard.press("Enter")
    page.wait_for_url("**/screen/predict")


def test_a_key_becomes_a_session_that_no_script_can_read(page: Page, keyed: Keyed) -> None:
    started, _ = keyed
    page.goto(started.url)
    expect(page).to_have_url(f"{started.url}/screen/sign-in")
    assert not Axe().run(page).response["violations"]
    page.get_by_label("Key").fill("kdsl_00000000_" + "a" * 43)
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("not valid")
    sign_in(page, keyed, "boss")
    cookie = next(one for one in page.context.cookies() if one["name"] == COOKIE)
    assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Strict")
    assert COOKIE not in page.evaluate("document.cookie")
    page.get_by_role("button", name="Sign out boss").click()
    page.wait_for_url("**/screen/sign-in")
    with httpx.Client(base_url=started.url, cookies={COOKIE: cookie["value"]}) as stolen:
        assert stolen.get("/v1/tasks").status_code == 401


def test_pages_are_those_that_the_key_allows(page: Page, keyed: Keyed) -> None:
    sign_in(page, keyed, "reader")
    expect(page.get_by_role("navigation", name="Pages").get_by_role("link")).to_have_text(
        ["Predict", "Rules", "Report"]
    )
    expect(page.get_by_role("button", name="Sign out reader")).to_be_visible()


def test_a_language_is_chosen_and_kept(page: Page, server: Running) -> None:
    page.goto(server.url)
    expect(page.locator("html")).to_have_attribute("lang", "en")
    page.get_by_role("link", name="中文").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("识别")
    page.goto(f"{server.url}/screen")
    expect(page.locator("html")).to_have_attribute("lang", "zh-CN")


def test_a_browser_that_prefers_chinese_gets_it(server: Running) -> None:
    answer = server.client.get("/screen/predict", headers={"Accept-Language": "zh-TW,en;q=0.5"})
    assert 'lang="zh-CN"' in answer.text


def test_the_first_stop_of_the_keyboard_leads_to_the_content(page: Page, server: Running) -> None:
    page.goto(f"{server.url}/screen/predict")
    page.keyboard.press("Tab")
    expect(page.locator(":focus")).to_have_text("Skip to the content")
    page.keyboard.press("Enter")
    expect(page.locator(":focus")).to_have_attribute("id", "content")


def test_pages_allow_nothing_from_elsewhere(server: Running) -> None:
    policy = server.client.get("/screen/predict").headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'")
    assert "unsafe" not in policy


@pytest.mark.parametrize("path", ["/screen/nothing", "/screen/static/../app.py", "/screen/static/%2e%2e/app.py"])
def test_what_is_not_there_is_told_as_a_page(server: Running, path: str) -> None:
    answer = server.client.get(path)
    assert answer.status_code == 404
    assert "import" not in answer.text


@pytest.mark.parametrize("path", ["/screen/rules?sort=beauty", "/screen/rules?label=x", "/screen/report?task=x"])
def test_what_cannot_be_shown_is_told_as_a_page(server: Running, path: str) -> None:
    answer = server.client.get(path)
    assert answer.status_code == 422
    assert answer.headers["content-type"].startswith("text/html")


@pytest.mark.parametrize("path", ["/screen", "/screen/predict", "/"])
def test_a_visitor_without_a_key_is_led_to_the_sign_in(keyed: Keyed, path: str) -> None:
    started, _ = keyed
    answer = started.client.get(path)
    assert (answer.status_code, answer.headers["location"]) == (303, "/screen/sign-in")


def test_no_page_answers_without_a_session(keyed: Keyed) -> None:
    started, _ = keyed
    routes = [route for part in PAGES for route in part.routes if isinstance(route, APIRoute)]
    asked = [(method, route.path) for route in routes for method in route.methods if route.path != SIGN_IN]
    assert len(asked) > 10
    for method, path in asked:
        address = path.replace("{number}", "1").replace("{command}", "undo").replace("{picture}", "0")
        answer = started.client.request(method, address.replace("{task}", "samples"))
        assert answer.status_code == (303 if method == "GET" else 401), (method, path)


def test_a_session_changes_nothing_without_the_token_of_its_pages(keyed: Keyed) -> None:
    started, keys = keyed
    body = {"sample": {"turns": [{"text": "x"}]}, "label": "rust"}
    with httpx.Client(base_url=started.url) as client:
        assert client.post("/screen/sign-in", data={"key": keys["boss"]}).status_code == 303
        token = client.get("/screen/predict").text.partition('csrf-token" content="')[2].partition('"')[0]
        assert len(token) > 40
        assert client.post("/v1/feedback", json=body).status_code == 403
        assert client.post("/v1/feedback", json=body, headers={"X-CSRF-Token": token[:-1]}).status_code == 403
        elsewhere = {"X-CSRF-Token": token, "Origin": "https://evil.example"}
        assert client.post("/v1/feedback", json=body, headers=elsewhere).status_code == 403
        assert client.post("/v1/feedback", json=body, headers={"X-CSRF-Token": token}).status_code == 200
        for path in (
            "/screen/predict",
            "/screen/predict/correct",
            "/screen/sign-out",
            "/v1/rules/undo",
            "/v1/bundles/back",
        ):
            assert client.post(path).status_code == 403, path


def test_a_page_from_elsewhere_cannot_sign_anybody_in(keyed: Keyed) -> None:
    started, keys = keyed
    answer = started.client.post(
        "/screen/sign-in", data={"key": keys["boss"]}, headers={"Origin": "https://evil.example"}
    )
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers


def test_a_revoked_key_ends_its_sessions(keyed: Keyed) -> None:
    started, _ = keyed
    key = started.services.keys.add("guest", ["read"])
    with httpx.Client(base_url=started.url) as client:
        client.post("/screen/sign-in", data={"key": key})
        assert client.get("/v1/tasks").status_code == 200
        started.services.keys.revoke("guest")
        assert client.get("/v1/tasks").status_code == 401
