"""The words of the screen: `messages.yaml` has each in English and in Chinese."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Literal, get_args

import yaml
from starlette.requests import Request

from kdsl.errors import ConfigError
from kdsl.yaml_files import Loader, read_text

Language = Literal["en", "zh"]
LANGUAGES: tuple[Language, ...] = get_args(Language)
COOKIE = "kdsl_language"
FILE = Path(__file__).with_name("messages.yaml")


@cache
def messages(file: Path = FILE) -> Mapping[str, Mapping[Language, str]]:
    """All messages: key -> language -> text, in which `{name}` stands for a value.

    Raises:
        ConfigError: a message lacks a language.
    """
    found = yaml.load(read_text(file, "messages"), Loader=Loader)  # a safe loader
    for key, texts in found.items():
        if not isinstance(texts, dict) or set(texts) != set(LANGUAGES):
            raise ConfigError(f"{file}: '{key}' needs a text in each of: {', '.join(LANGUAGES)}.")
    return found


def say(language: Language, key: str, **values: object) -> str:
    """A message in a language."""
    text = messages()[key][language]
    return text.format(**values) if values else text


def language_of(request: Request) -> Language:
    """The language that was asked for, chosen before, or preferred by the browser; English otherwise."""
    for wanted in (request.query_params.get("lang"), request.cookies.get(COOKIE)):
        if wanted in LANGUAGES:
            return wanted
    for part in request.headers.get("accept-language", "").lower().split(","):
        name = part.partition(";")[0].strip().partition("-")[0]
        if name in LANGUAGES:
            return name
    return "en"
