"""A real browser on a real server: Debian's Chromium through Playwright, and a bundle with hostile labels.

Without a Chromium the tests are skipped, unless `KDSL_BROWSER=required`; `KDSL_BROWSER` may name the program itself.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from helpers.running import Running, running

from kdsl import Recognizer, Sample
from kdsl.config_file import load_config
from kdsl.serving.keys import Keys
from kdsl.serving.settings import ServerSettings

playwright = pytest.importorskip("playwright.sync_api", reason="the extra dev has Playwright")

PATIENCE = 180_000
"""Milliseconds until a test gives up; none is spent where all works."""
playwright.expect.set_options(timeout=PATIENCE)
PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
EVIL = "<script>window.evil=1</script>[/b]"
"""As a label, a turn and a snippet."""
ASKED = {
    "rust": ("会不会生锈", "will it rust", "用久了生锈吗", "does it rust in water"),
    "refund": ("钱退了吗", "money back", "给我退钱", "pay me back"),
    EVIL: ("还补货吗", "is it in stock", "什么时候补货", "when is it back"),
}


def program() -> str | None:
    """The browser to test with."""
    wanted = os.environ.get("KDSL_BROWSER", "")
    return wanted if os.path.sep in wanted else next(filter(None, map(shutil.which, PROGRAMS)), None)


@pytest.fixture(scope="module")
def browser() -> Iterator[playwright.Browser]:
    """One browser per module: while Playwright runs, the thread has an event loop, which other tests must not meet."""
    path = program()
    if path is None:
        message = f"no browser: none of {', '.join(PROGRAMS)} is installed (apt-get install chromium)"
        if os.environ.get("KDSL_BROWSER") == "required":
            pytest.fail(message)
        pytest.skip(message)
    with playwright.sync_playwright() as started:
        # tests may run as root, where Chromium's own sandbox cannot
        opened = started.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture
def page(browser: playwright.Browser) -> Iterator[playwright.Page]:
    """A page of a fresh visitor; a script that fails, or that the policy refuses, fails the test."""
    yield from visit(browser)


@pytest.fixture
def phone(browser: playwright.Browser) -> Iterator[playwright.Page]:
    """The same on a phone."""
    yield from visit(browser, viewport={"width": 360, "height": 740}, device_scale_factor=2, has_touch=True)


def visit(browser: playwright.Browser, **options: object) -> Iterator[playwright.Page]:
    context = browser.new_context(**{"locale": "en-GB", **options})
    context.set_default_timeout(PATIENCE)
    made = context.new_page()
    wrong: list[str] = []
    made.on("pageerror", lambda error: wrong.append(str(error)))
    made.on("console", lambda said: wrong.append(said.text) if "Content Security Policy" in said.text else None)
    elsewhere: list[str] = []
    made.on(
        "request",
        lambda asked: None if asked.url.startswith(("http://127.0.0.1:", "blob:")) else elsewhere.append(asked.url),
    )
    yield made
    context.close()
    assert not wrong, wrong
    assert not elsewhere, elsewhere


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle whose labels and snippets hold markup, beside its samples; it is copied, never served."""
    folder = tmp_path_factory.mktemp("screen")
    samples = [
        Sample.dialogue([f"{text} {number}"], label=label, id=f"{label[:4].strip('<')}-{number}-{text}")
        for label, texts in ASKED.items()
        for text in texts
        for number in range(3)
    ] + [Sample.dialogue([f"hm {n}"], label=label, id=f"unclear-{n}") for n, label in enumerate(ASKED)]
    snippets = [{"id": "evil", "title": f"rust {EVIL}", "text": f"it does not rust {EVIL}", "task": "samples"}]
    (folder / "snippets.json").write_text(json.dumps(snippets), "utf-8")
    settings = ["large=null", "small=null", "rules.simulations=40", f"knowledge.snippets={folder / 'snippets.json'}"]
    Recognizer.fit(samples, out=folder / "shop", config=load_config("configs/nano.yaml", settings)).close()
    rows = [{"id": s.id, "text": s.turns[0].raw, "label": s.label} for s in samples]
    (folder / "labelled.jsonl").write_text("\n".join(map(json.dumps, rows)), "utf-8")
    return folder


@pytest.fixture(scope="module")
def settings(shop: Path, tmp_path_factory: pytest.TempPathFactory) -> ServerSettings:
    """A server's own copy of the bundle, with labelled samples."""
    own = tmp_path_factory.mktemp("served")
    shutil.copytree(shop / "shop", own / "shop")
    return ServerSettings(own / "shop", data=(shop / "labelled.jsonl",), timeout=PATIENCE / 1000)


@pytest.fixture(scope="module")
def server(settings: ServerSettings) -> Iterator[Running]:
    """A server without keys."""
    with running(settings) as started:
        yield started


@pytest.fixture(scope="module")
def keyed(
    settings: ServerSettings, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Running, dict[str, str]]]:
    """A server with keys, and the keys by their names."""
    state = tmp_path_factory.mktemp("state")
    keys = Keys(state / "keys.json")
    made = {"boss": keys.add("boss", ["admin"]), "reader": keys.add("reader", ["read", "predict"])}
    with running(replace(settings, state=state)) as started:
        yield started, made
