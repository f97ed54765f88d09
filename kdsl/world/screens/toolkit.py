"""Parts that every app is made of: bars, headings, rows, goods, timelines, buttons."""

from __future__ import annotations

from collections.abc import Sequence

from kdsl.world.screens.page import WIDTH, Page
from kdsl.world.screens.theme import BLACK, WHITE, Colour, mix
from kdsl.world.screens.words import Product

GREY: Colour = (205, 205, 210)
APP_TABS = ("首页", "视频", "消息", "购物车", "我的淘宝")
PRODUCT_TABS = ("宝贝", "评价", "详情", "推荐")
ORDER_TABS = ("全部", "待付款", "待发货", "待收货", "退款/售后")
MESSAGE_TABS = ("物流", "提醒", "互动", "赞评", "优惠", "其他")


def status_bar(page: Page, colour: Colour | None = None, ink: Colour | None = None) -> None:
    """Clock, network and battery, as phones of several makers show them."""
    words, rng = page.words, page.rng
    theme = page.theme
    page.fill(0, page.y, WIDTH, page.y + 26, colour or theme.bar)
    ink = ink or theme.bar_ink
    clock = words.stamp(0, words.pick("%H:%M", "%H:%M", "%-H:%M"))
    if words.chance(0.15):
        clock = words.pick("上午", "下午", "晚上", "中国移动 ", "中国联通 ", "中国电信 ") + clock
    page.text(rng.choice((14, 22, 30)), page.y + 8, clock, 11, ink, bold=words.chance(0.5))
    right = WIDTH - 14.0
    for text in words.some(
        [str(rng.randint(5, 100)), words.pick("5G", "4G", "5G HD"), words.pick("KB/s", "HD", "淘")], 1, 3
    ):
        right -= page.text(right, page.y + 9, text, 9, ink, align="r") + 6
    page.fill(right - 22, page.y + 10, right - 4, page.y + 18, None, 2, ink)
    page.y += 26


def title_bar(page: Page, title: str, right: Sequence[str] = (), *, centred: bool | None = None) -> None:
    """Back arrow, title, and icons or words at the right; with a status bar above most of the time."""
    theme, words = page.theme, page.words
    if words.chance(0.93):
        status_bar(page)
    page.fill(0, page.y, WIDTH, page.y + 42, theme.bar)
    if words.chance(0.5):
        page.text(12, page.y + 12, words.pick("←", "<"), 17, theme.bar_ink)
    else:
        page.stroke((22, page.y + 14), (15, page.y + 21), (22, page.y + 28), colour=theme.bar_ink, width=1.6)
    if centred if centred is not None else words.chance(0.35):
        page.text(WIDTH / 2, page.y + 12, title, 17, theme.bar_ink, align="c", bold=True)
    else:
        page.text(40, page.y + 12, title, 17, theme.bar_ink, bold=True)
    x: float = WIDTH - 14
    for text in right:
        x -= page.text(x, page.y + 14, text, 13, theme.bar_ink, align="r") + 12
    if not right:
        for _ in range(page.rng.randint(0, 3)):
            page.oval(x - 8, page.y + 21, 7, None, theme.bar_ink)
            x -= 26
        if words.chance(0.3):
            page.oval(WIDTH - 14, page.y + 12, 7, (255, 80, 30))
            page.text(WIDTH - 14, page.y + 8, str(page.rng.randint(1, 99)), 8, WHITE, align="c")
    page.y += 42


def banner(page: Page, title: str, lines: Sequence[str] = (), colours: tuple[Colour, Colour] | None = None) -> None:
    """A coloured head with a state and a few lines, such as a refund's or an order's."""
    first, last = colours or (page.theme.accent, page.theme.accent_2)
    rows = [row for line in lines for row in page.lines(line, 12, WIDTH - 60)]
    bottom = page.y + 52 + 18 * len(rows)
    page.gradient(page.y, bottom, first, last)
    page.text(18, page.y + 16, title, 19, WHITE, bold=True)
    for index, row in enumerate(rows):
        page.text(18, page.y + 44 + 18 * index, row, 12, (255, 240, 230))
    page.y = bottom + 8


def heading(page: Page, text: str, right: str = "", *, colour: Colour | None = None, size: int = 15) -> None:
    """A bold line, perhaps with a link at the right."""
    page.text(page.left, page.y + 3, text, size, colour, bold=True, width=page.right - page.left)
    if right:
        page.text(page.right, page.y + 5, right, 12, page.theme.muted, align="r")
    page.y += size + 11


def pair(
    page: Page, key: str, value: str, *, private: bool = False, colour: Colour | None = None, spread: bool = True
) -> None:
    """A key with its value at the right edge, or close behind it when not `spread`."""
    page.text(page.left, page.y + 4, key, 13, page.theme.muted if not spread or page.words.chance(0.5) else None)
    x, align = (page.right, "r") if spread else (page.left + 82, "l")
    room = page.right - page.left - 100
    page.text(x, page.y + 4, value, 13, colour, align=align, private=private, width=room)
    page.y += 25


def note(
    page: Page, text: str, *, size: int = 12, colour: Colour | None = None, most: int = 6, bold: bool = False
) -> None:
    """A paragraph of small text, grey unless coloured."""
    page.y += page.paragraph(
        page.left,
        page.y + 2,
        text,
        size,
        colour or page.theme.muted,
        width=page.right - page.left,
        most=most,
        bold=bold,
    )
    page.y += 5


def button(
    page: Page, left: float, top: float, width: float, text: str, *, main: bool = True, height: float = 30
) -> None:
    """A pill-shaped button; a framed one when not `main`."""
    theme = page.theme
    if main:
        page.fill(left, top, left + width, top + height, theme.accent, height / 2)
        ink = WHITE
    else:
        page.fill(left, top, left + width, top + height, None, height / 2, GREY)
        ink = theme.ink
    size = 14 if height >= 30 else 12
    page.text(left + width / 2, top + (height - size) / 2, text, size, ink, align="c", width=width - 4)


def buttons(page: Page, texts: Sequence[str], main: int | None = -1) -> None:
    """Small buttons at the right edge of the flow; `main` counts which one is filled, from the end if negative."""
    x = page.right
    chosen = None if main is None else main % len(texts)
    for index in range(len(texts) - 1, -1, -1):
        width = 22.0 + 12.5 * len(texts[index])
        button(page, x - width, page.y, width, texts[index], main=index == chosen, height=26)
        x -= width + 6
    page.y += 34


def foot_buttons(page: Page, texts: Sequence[str], main: int | None = -1, left: Sequence[str] = ()) -> None:
    """A bar of buttons fixed at the page's bottom, above the home indicator."""
    top = page.height - 62
    page.foot = len(page.ops) if page.foot is None else page.foot
    page.fill(0, top, WIDTH, page.height, page.theme.card)
    x: float = 26
    for text in left:
        page.oval(x, top + 15, 7, None, page.theme.muted)
        page.text(x, top + 27, text, 10, page.theme.muted, align="c")
        x += 42
    if left or len(texts) > 2:
        room = WIDTH - x - 2
        width = min(room / len(texts), 110.0) - 6
        x = WIDTH - 10 - (width + 6) * len(texts)
    else:
        width = (WIDTH - 24) / len(texts) - 6
        x = 15
    chosen = None if main is None else main % len(texts)
    for index, text in enumerate(texts):
        button(page, x, top + 8, width, text, main=index == chosen, height=36 if len(texts) < 3 else 30)
        x += width + 6
    _home(page)


def buy_bar(page: Page, buy: Sequence[str], icons: Sequence[str] = ("店铺", "客服", "收藏")) -> None:
    """A product page's foot: small icons, then one or two joined buttons."""
    top = page.height - 62
    page.foot = len(page.ops) if page.foot is None else page.foot
    page.fill(0, top, WIDTH, page.height, page.theme.card)
    for index, text in enumerate(icons):
        x = 24 + 40 * index
        page.fill(x - 7, top + 9, x + 7, top + 22, None, 3, page.theme.muted)
        page.text(x, top + 27, text, 10, page.theme.muted, align="c")
    left = 8 + 40.0 * len(icons) + 8
    width = (WIDTH - 10 - left) / len(buy)
    for index, text in enumerate(buy):
        colour = page.theme.accent if index == len(buy) - 1 else page.theme.accent_2
        page.fill(left + index * width, top + 7, left + (index + 1) * width, top + 45, colour, 18)
        page.text(left + (index + 0.5) * width, top + 18, text, 15, WHITE, align="c", bold=True, width=width - 6)
    _home(page)


def tab_bar(page: Page, texts: Sequence[str], active: int = 0) -> None:
    """The app's own navigation at the bottom."""
    top = page.height - 58
    page.foot = len(page.ops) if page.foot is None else page.foot
    page.fill(0, top, WIDTH, page.height, page.theme.card)
    page.stroke((0, top), (WIDTH, top))
    for index, text in enumerate(texts):
        x = WIDTH * (index + 0.5) / len(texts)
        colour = page.theme.accent if index == active else page.theme.muted
        page.oval(x, top + 17, 9, colour if index == active else None, colour)
        page.text(x, top + 30, text, 10, colour, align="c")
        if page.words.chance(0.12):
            page.oval(x + 12, top + 9, 7, (255, 60, 30))
            page.text(x + 12, top + 5, str(page.rng.randint(1, 99)), 8, WHITE, align="c")
    _home(page)


def _home(page: Page) -> None:
    """The system's home indicator, or its three keys."""
    if page.words.chance(0.6):
        page.fill(WIDTH / 2 - 55, page.height - 8, WIDTH / 2 + 55, page.height - 5, page.theme.ink, 2)
    else:
        y = page.height - 8
        for x in (90, 180, 270):
            page.oval(x, y, 4, None, page.theme.muted)


def tabs(page: Page, texts: Sequence[str], active: int = 0, *, colour: Colour | None = None) -> None:
    """Tabs under the title, the active one in the accent with a line beneath."""
    page.fill(0, page.y, WIDTH, page.y + 36, colour or page.theme.card)
    step = (WIDTH - 16) / len(texts)
    size = 13 if step > 52 else 11
    for index, text in enumerate(texts):
        x = 8 + step * (index + 0.5)
        live = index == active
        page.text(x, page.y + 11, text, size, page.theme.accent if live else page.theme.ink, align="c", bold=live)
        if live:
            page.fill(x - 10, page.y + 30, x + 10, page.y + 33, page.theme.accent, 1.5)
    page.y += 38


def search_bar(page: Page, hint: str, button_text: str = "", *, back: bool = True) -> None:
    """A round search field with a hint or a query."""
    if page.words.chance(0.9):
        status_bar(page)
    page.fill(0, page.y, WIDTH, page.y + 42, page.theme.bar)
    left = 34.0 if back else 12.0
    if back:
        page.stroke((22, page.y + 14), (15, page.y + 21), (22, page.y + 28), colour=page.theme.bar_ink, width=1.6)
    right = WIDTH - (60 if button_text else 14)
    page.fill(left, page.y + 6, right, page.y + 36, mix(page.theme.card, BLACK, 0.04), 15, page.theme.accent)
    page.text(left + 12, page.y + 14, hint, 13, page.theme.muted, width=right - left - 30)
    if button_text:
        page.text(WIDTH - 34, page.y + 14, button_text, 14, page.theme.bar_ink, align="c")
    page.y += 44


def chips(page: Page, texts: Sequence[str], active: int | None = None, *, height: float = 28) -> None:
    """Choices in rounded frames that wrap; the active one in the accent."""
    theme = page.theme
    x = page.left
    for index, text in enumerate(texts):
        width = min(22 + 13.0 * max(len(text) * 0.85, 2), page.right - page.left)
        if x + width > page.right:
            x, page.y = page.left, page.y + height + 8
        live = index == active
        back = mix(theme.card, theme.accent, 0.1) if live else mix(theme.card, BLACK, 0.04)
        page.fill(x, page.y, x + width, page.y + height, back, 6, theme.accent if live else None)
        ink = theme.accent if live else theme.ink
        page.text(x + width / 2, page.y + (height - 13) / 2, text, 13, ink, align="c", width=width - 6)
        x += width + 8
    page.y += height + 10


def goods(
    page: Page,
    product: Product,
    *,
    price: bool = True,
    count: int | None = 1,
    tags: Sequence[str] = (),
    spec: str | None = None,
    side: float = 72,
    private: bool = True,
) -> None:
    """A product row: thumbnail, title, choice, promises, price and count."""
    theme, words = page.theme, page.words
    page.thing(page.left, page.y, page.left + side, page.y + side, product.thing)
    x, top = page.left + side + 10, page.y
    room = page.right - x - (64 if price else 8)
    used = page.paragraph(x, top, product.title, 13, width=room, most=2, private=private and words.chance(0.6))
    used += page.paragraph(x, top + used + 2, spec or product.spec, 11, theme.muted, width=room, most=2) + 4
    if tags:
        page.text(x, top + used + 1, " ".join(tags), 10, theme.accent, width=page.right - x)
        used += 16
    if price:
        page.text(page.right, top, words.price(product.price), 13, align="r")
    if count is not None:
        page.text(page.right, top + 20, f"{words.pick('x', '×')}{count}", 11, theme.muted, align="r")
    page.y += max(side, used) + 8


def timeline(page: Page, steps: Sequence[tuple[str, str, str]], *, live: Colour | None = None) -> None:
    """Steps of a process, newest first: (state, time, what happened)."""
    theme = page.theme
    for index, (state, time, body) in enumerate(steps):
        colour = (live or theme.accent) if index == 0 else theme.muted
        x = page.left + 20
        page.oval(page.left + 5, page.y + 8, 4, colour)
        start = page.y
        if state or time:
            extent = page.text(x, page.y + 1, state, 14, colour if index == 0 else theme.ink, bold=True) if state else 0
            page.text(x + extent + (6 if state else 0), page.y + 3, time, 11, theme.muted)
            page.y += 20
        if body:
            page.y += page.paragraph(x, page.y, body, 12, theme.ink if index == 0 else theme.muted, most=4)
        page.y += 12
        if index < len(steps) - 1:
            page.stroke((page.left + 5, start + 15), (page.left + 5, page.y + 3))


def stars(page: Page, x: float, y: float, count: int = 5) -> None:
    """Rating stars."""
    page.text(x, y, "★" * count, 14, page.theme.accent_2)


def toast(page: Page, text: str, *, y: float | None = None) -> None:
    """A dark rounded notice that floats over the page."""
    page.popup = True
    rows = page.lines(text, 14, 200)
    top = y or page.height * 0.45
    page.fill(WIDTH / 2 - 118, top, WIDTH / 2 + 118, top + 22 + 21 * len(rows), (50, 50, 52), 8)
    for index, row in enumerate(rows):
        page.text(WIDTH / 2, top + 12 + 21 * index, row, 14, WHITE, align="c")
