"""Colours of the apps that screens imitate, light and dark."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from typing import Literal

Colour = tuple[int, int, int]
App = Literal["taobao", "tmall", "cainiao", "alipay", "wechat", "jd", "pdd", "douyin", "xhs", "system", "sf", "browser"]

WHITE: Colour = (255, 255, 255)
BLACK: Colour = (0, 0, 0)


@dataclass(frozen=True, slots=True)
class Theme:
    """Colours by role. `bar` is the title bar; `accent` marks prices, states and the main button."""

    app: App
    page: Colour = (244, 244, 246)
    card: Colour = WHITE
    ink: Colour = (34, 34, 36)
    muted: Colour = (150, 150, 155)
    rule: Colour = (232, 232, 236)
    accent: Colour = (255, 98, 0)
    accent_2: Colour = (255, 176, 0)
    bar: Colour = WHITE
    bar_ink: Colour = (30, 30, 30)
    dark: bool = False


_BASE: dict[App, Theme] = {
    "taobao": Theme("taobao"),
    "tmall": Theme("tmall", accent=(230, 20, 60), accent_2=(255, 90, 60)),
    "cainiao": Theme("cainiao", accent=(22, 110, 250), accent_2=(90, 170, 255)),
    "alipay": Theme("alipay", page=(245, 245, 245), accent=(22, 119, 255), accent_2=(90, 160, 255)),
    "wechat": Theme("wechat", page=(237, 237, 237), accent=(7, 193, 96), accent_2=(60, 210, 130)),
    "jd": Theme("jd", accent=(226, 35, 26), accent_2=(255, 120, 80)),
    "pdd": Theme("pdd", accent=(224, 46, 36), accent_2=(255, 110, 90)),
    "douyin": Theme("douyin", accent=(254, 44, 85), accent_2=(255, 120, 140)),
    "xhs": Theme("xhs", page=WHITE, accent=(255, 36, 66), accent_2=(255, 120, 130)),
    "system": Theme("system", page=(242, 242, 247), accent=(0, 122, 255), accent_2=(90, 160, 255)),
    "sf": Theme("sf", accent=(220, 30, 50), accent_2=(60, 60, 60)),
    "browser": Theme("browser", page=WHITE, accent=(66, 100, 220), accent_2=(120, 150, 240)),
}

# Shoppers dress the title bars of Taobao: festive red, orange, black, green, brown and pink ones occur.
_BARS: tuple[tuple[Colour, Colour], ...] = (
    (WHITE, (30, 30, 30)),
    ((245, 245, 247), (30, 30, 30)),
    ((214, 28, 36), WHITE),
    ((243, 112, 32), WHITE),
    ((28, 28, 30), WHITE),
    ((226, 192, 150), (70, 45, 20)),
    ((248, 200, 214), (90, 30, 50)),
    ((60, 140, 70), WHITE),
    ((150, 195, 120), (30, 60, 30)),
    ((255, 244, 236), (50, 30, 20)),
)


def pick_theme(app: App, rng: random.Random) -> Theme:
    """A theme of `app`: dark one time in twelve; Taobao's title bar in one of its costumes."""
    theme = _BASE[app]
    if app in ("taobao", "tmall") and rng.random() < 0.5:
        bar, ink = rng.choice(_BARS)
        theme = replace(theme, bar=bar, bar_ink=ink)
    elif app in ("taobao", "tmall"):
        theme = replace(theme, bar=rng.choice((theme.page, WHITE)))
    if rng.random() < 1 / 12:
        theme = replace(
            theme,
            page=(14, 14, 16),
            card=(30, 30, 33),
            ink=(232, 232, 235),
            muted=(140, 140, 146),
            rule=(52, 52, 56),
            bar=(22, 22, 24),
            bar_ink=(240, 240, 240),
            dark=True,
        )
    return theme


def mix(first: Colour, second: Colour, share: float) -> Colour:
    """`first` with `share` (0..1) of `second` in it."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(first, second, strict=True))
    return red, green, blue
