"""Larger parts: dialogs, bottom sheets, coupons, maps, recommendation strips."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from kdsl.world.screens.page import WIDTH, Page
from kdsl.world.screens.theme import WHITE, Colour, mix
from kdsl.world.screens.toolkit import button, heading

COUPON: Colour = (255, 236, 236)
RED: Colour = (238, 30, 60)


def dialog(page: Page, title: str, body: str, choices: Sequence[str], *, y: float | None = None) -> None:
    """A white box in the middle of a darkened page."""
    page.veil()
    page.popup = True
    theme = page.theme
    rows = page.lines(body, 14, 220) if body else []
    height = (44 if title else 18) + 22 * len(rows) + 56
    top = y or (page.height - height) / 2
    page.fill(50, top, WIDTH - 50, top + height, theme.card, 12)
    at = top + 18
    if title:
        page.text(WIDTH / 2, at, title, 16, align="c", bold=True)
        at += 30
    for row in rows:
        page.text(WIDTH / 2, at, row, 14, theme.muted if title else theme.ink, align="c")
        at += 22
    at += 8
    page.stroke((50, at), (WIDTH - 50, at))
    for index, choice in enumerate(choices):
        x = 50 + (WIDTH - 100) * (index + 0.5) / len(choices)
        page.text(x, at + 14, choice, 15, theme.accent if index == len(choices) - 1 else theme.ink, align="c")


@contextmanager
def sheet(page: Page, top: float, title: str = "", *, close: bool = True) -> Iterator[None]:
    """A panel that slid up from the bottom over a darkened page; what is added inside stands on it."""
    page.veil()
    page.popup = True
    page.fill(0, top, WIDTH, page.height + 20, page.theme.card, 14)
    if title:
        page.text(WIDTH / 2, top + 15, title, 16, align="c", bold=True)
    if close:
        if page.words.chance(0.5):
            page.text(WIDTH - 20, top + 14, page.words.pick("×", "X"), 17, page.theme.muted, align="c")
        else:
            page.stroke((WIDTH - 26, top + 16), (WIDTH - 14, top + 28), colour=page.theme.muted, width=1.5)
            page.stroke((WIDTH - 14, top + 16), (WIDTH - 26, top + 28), colour=page.theme.muted, width=1.5)
    page.y = top + (48 if title else 30)
    left, right = page.left, page.right
    page.left, page.right = 18, WIDTH - 18
    yield
    page.left, page.right = left, right


def coupon(page: Page, amount: str, limit: str, name: str, action: str, *, sub: str = "", height: float = 74) -> None:
    """One wide coupon: face value at the left, name in the middle, a button at the right."""
    live = action not in ("已抢光", "已抢完", "已过期", "不可用", "已失效", "已使用")
    ink = RED if live else page.theme.muted
    left, right, top = page.left, page.right, page.y
    page.fill(left, top, right, top + height, COUPON if live else (240, 240, 240), 8)
    page.stroke((left + 96, top + 8), (left + 96, top + height - 8), colour=mix(WHITE, RED, 0.3))
    page.text(left + 48, top + 14, amount, 23, ink, align="c", bold=True)
    page.text(left + 48, top + 46, limit, 11, ink, align="c", width=92)
    page.text(left + 106, top + 14, name, 14, (60, 20, 20), bold=True, width=right - left - 186)
    if sub:
        page.paragraph(left + 106, top + 37, sub, 10, (150, 110, 110), width=right - left - 186, most=2)
    width = 64.0
    page.fill(right - width - 8, top + height / 2 - 14, right - 8, top + height / 2 + 14, ink, 14)
    page.text(right - 8 - width / 2, top + height / 2 - 6, action, 12, WHITE, align="c", width=width - 2)
    page.y = top + height + 8


def tickets(page: Page, items: Sequence[tuple[str, str, str]], name: str = "") -> None:
    """Coupons side by side: (amount, limit, action) each, with a name above all."""
    if name:
        heading(page, name)
    step = (page.right - page.left) / len(items)
    for index, (amount, limit, action) in enumerate(items):
        left = page.left + step * index
        page.fill(left + 2, page.y, left + step - 2, page.y + 88, COUPON, 8)
        middle = left + step / 2
        page.text(middle, page.y + 10, amount, 20, RED, align="c", bold=True, width=step - 6)
        page.text(middle, page.y + 38, limit, 10, (160, 60, 70), align="c", width=step - 6)
        if action:
            page.fill(left + 8, page.y + 58, left + step - 8, page.y + 80, RED, 11)
            page.text(middle, page.y + 63, action, 11, WHITE, align="c", width=step - 18)
    page.y += 96


def map_area(page: Page, height: float, bubble: str = "", sub: str = "") -> None:
    """A map with a route: pale ground, roads, cities' names, perhaps a bubble with the parcel's state."""
    rng, words = page.rng, page.words
    top, bottom = page.y, page.y + height
    land: Colour = rng.choice(((240, 243, 246), (232, 240, 232), (222, 232, 244)))
    page.fill(0, top, WIDTH, bottom, land)
    for _ in range(rng.randint(4, 9)):
        start = (rng.uniform(0, WIDTH), rng.uniform(top, bottom))
        end = (rng.uniform(0, WIDTH), rng.uniform(top, bottom))
        page.stroke(start, end, colour=rng.choice((WHITE, (214, 224, 236), (250, 226, 180))), width=rng.uniform(1, 4))
    if rng.random() < 0.4:
        page.oval(rng.uniform(0, WIDTH), rng.uniform(top, bottom), rng.uniform(20, 50), (196, 220, 246))
    for _ in range(rng.randint(2, 7)):
        name = words.pick(words.city(), words.city(), words.say("roads"), words.city() + "市")
        page.text(
            rng.uniform(6, 310), rng.uniform(top + 4, bottom - 20), name, rng.choice((10, 11, 12)), (120, 126, 136)
        )
    route = [(rng.uniform(40, 320), rng.uniform(top + 50, bottom - 20)) for _ in range(rng.randint(2, 5))]
    page.stroke(*route, colour=page.theme.accent, width=3)
    page.oval(*route[0], 9, page.theme.accent)
    page.text(route[0][0], route[0][1] - 5, words.pick("收", "发"), 10, WHITE, align="c")
    if bubble:
        width = max(len(bubble) * 15, len(sub) * 12) + 26.0
        at = rng.uniform(top + 8, max(top + 10, bottom - 60))
        left = rng.uniform(10, max(11, WIDTH - width - 10))
        page.fill(left, at, left + width, at + (46 if sub else 30), page.theme.accent, 15)
        page.text(left + 13, at + 8, bubble, 14, WHITE, bold=True)
        if sub:
            page.text(left + 13, at + 28, sub, 11, (255, 235, 220))
    page.y = bottom


def strip(page: Page, title: str, rows: int = 1) -> None:
    """Recommended goods in two columns, which carry words of other pages."""
    words = page.words
    if title:
        page.text(WIDTH / 2, page.y + 2, title, 13, page.theme.muted, align="c")
        page.y += 24
    for _ in range(rows):
        if page.full:
            return
        for column in (0, 1):
            product = words.product()
            left = 8 + column * 174
            page.fill(left, page.y, left + 168, page.y + 226, page.theme.card, 8)
            page.thing(left, page.y, left + 168, page.y + 150, product.thing)
            tag = words.pick("", "", "红包省3元 ", "券后价 ", "天猫榜单 ", "退货包运费 ", "官方立减 ")
            page.text(left + 6, page.y + 156, tag + product.title, 12, width=156)
            page.text(
                left + 6, page.y + 178, words.pick("包邮", "退货宝", "先用后付", "7天无理由退货"), 10, page.theme.accent
            )
            price = words.price(product.price)
            page.text(
                left + 6, page.y + 198, f"{price}{words.pick('', '券后价', '到手价')}", 14, page.theme.accent, bold=True
            )
            page.text(left + 164, page.y + 201, words.sold(), 10, page.theme.muted, align="r")
        page.y += 234


def fill_room(page: Page) -> None:
    """Recommended goods in the room that a short page of the shop leaves, as the apps fill it."""
    short = 0.3 * page.height < page.y < page.height - 190
    if page.popup or page.photo or not short or page.theme.app not in ("taobao", "tmall") or page.words.chance(0.4):
        return
    at = len(page.ops) if page.foot is None else page.foot
    bars = page.ops[at:]
    del page.ops[at:]
    strip(page, page.words.pick("", "你可能还喜欢", "猜你喜欢", "买它的人也看中这些", "为你推荐"), 2)
    page.ops.extend(bars)


def rewards(page: Page) -> None:
    """The gift strip that Taobao hangs under a parcel or an order."""
    with page.card():
        heading(page, "本单奖励")
        for index, (name, line) in enumerate((("淘金币", "最高10金币"), ("服饰5元券", "满6元可用"))):
            left = page.left + index * 156
            page.text(left, page.y, name, 12)
            page.text(left, page.y + 17, line, 10, page.theme.muted)
            button(page, left + 92, page.y + 2, 48, "领取", height=24)
        page.y += 34


def empty_picture(page: Page, text: str, *, size: float = 60, sub: str = "") -> None:
    """A drawn emblem in the middle with a line beneath, as failure and success pages have."""
    x = WIDTH / 2
    page.oval(x, page.y + size / 2 + 10, size / 2, mix(page.theme.accent, WHITE, 0.3))
    page.fill(x - 14, page.y + size / 2, x + 14, page.y + size / 2 + 22, WHITE, 4)
    page.y += size + 26
    page.text(x, page.y, text, 17, align="c", bold=True)
    page.y += 28
    for row in page.lines(sub, 13, 260):
        page.text(x, page.y, row, 13, page.theme.muted, align="c")
        page.y += 20
    page.y += 8
