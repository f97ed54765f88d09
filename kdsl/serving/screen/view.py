"""How pages become HTML: `page` shows a template within the frame of the screen, `part` one that a page takes in.

All that people or models wrote is escaped (Jinja2's autoescape; no template switches it off), and the pages' policy
lets a browser run, load and ask for nothing but what this server sends.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse

from kdsl.serving.middleware import ANYONE, NOBODY, Caller
from kdsl.serving.problems import Problem
from kdsl.serving.screen.languages import COOKIE, LANGUAGES, Language, language_of, say
from kdsl.serving.screen.look import pieces
from kdsl.serving.screen.navigation import NAVIGATION
from kdsl.serving.screen.paths import ROOT, SIGN_IN, STATIC
from kdsl.serving.screen.rule_words import in_words, literal_in_words

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' blob:",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
YEAR = 365 * 24 * 3600


def page(request: Request, template: str, *, status: int = 200, **values: Any) -> HTMLResponse:
    """A whole page.

    Args:
        template: its name below `templates/`; it extends `frame.html.j2`.
        values: what it shows, beside what `part` gives to all.
    """
    return _response(request, template, status, values)


def part(request: Request, template: str, **values: Any) -> HTMLResponse:
    """A part of a page, which a form of `data-send` puts in its place."""
    return _response(request, template, 200, values)


def problem_page(request: Request, problem: Problem) -> HTMLResponse:
    """What went wrong, as a page."""
    return page(request, "problem.html.j2", status=problem.status_code, problem=problem)


def _response(request: Request, template: str, status: int, values: dict[str, Any]) -> HTMLResponse:
    language = language_of(request)
    caller: Caller = request.state.caller
    entries = [entry for entry in NAVIGATION if caller.allows(entry.role)]
    text = (
        _environment(language)
        .get_template(template)
        .render(
            **values,
            request=request,
            visitor=caller,
            language=language,
            languages=[(one, _in_language(request, one)) for one in LANGUAGES],
            navigation=entries,
            signed_in=caller not in (ANYONE, NOBODY),
        )
    )
    response = HTMLResponse(text, status, HEADERS)
    if request.query_params.get("lang") in LANGUAGES:
        response.set_cookie(COOKIE, language, max_age=YEAR, path=ROOT, httponly=True, samesite="strict")
    return response


def _in_language(request: Request, language: Language) -> str:
    """The address of this page in a language; that of the first page where this one was not asked for by GET."""
    if request.method != "GET":
        return f"{ROOT}?lang={language}"
    query = [(name, value) for name, value in request.query_params.multi_items() if name != "lang"]
    return f"{request.url.path}?{urlencode([*query, ('lang', language)])}"


@cache
def _environment(language: Language) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).with_name("templates")),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {
        "t": lambda key, **given: say(language, key, **given),
        "in_words": lambda when: in_words(language, when),
        "literal_in_words": lambda literal: literal_in_words(language, literal),
        "pieces": lambda found: pieces(found.text, found.spans),
        "root": ROOT,
        "sign_in": SIGN_IN,
        "static": STATIC,
    }
    environment.filters["share"] = lambda value: f"{100 * value:.1f}%"
    environment.filters["figure"] = lambda value: f"{value:.3f}"
    return environment
