"""Larger parts: dialogs, bottom sheets, coupons, maps, recommendation strips."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from kdsl.world.screens.blocks import Blocks
from kdsl.world.screens.paper import WIDTH
from kdsl.world.screens.theme import WHITE, Colour, mix

COUPON: Colour = (255, 236, 236)
RED: Colour = (238, 30, 60)


class Panels(Blocks):
    """Paper with these larger parts, too."""

    def dialog(self, title: str, body: str, choices: Sequence[str], *, y: float | None = None) -> None:
        """A white box in the middle of a darkened page."""
        self.veil()
        self.popup = True
        theme = self.theme
        rows = self.lines(body, 14, 220) if body else []
        height = (44 if title else 18) + 22 * len(rows) + 56
        top = y or (self.height - height) / 2
        self.fill(50, top, WIDTH - 50, top + height, theme.card, 12)
        at = top + 18
        if title:
            self.centred(at, title, 16, bold=True)
            at += 30
        for row in rows:
            self.centred(at, row, 14, theme.muted if title else theme.ink)
            at += 22
        at += 8
        self.stroke((50, at), (WIDTH - 50, at))
        for index, choice in enumerate(choices):
            x = 50 + (WIDTH - 100) * (index + 0.5) / len(choices)
            self.text(x, at + 14, choice, 15, theme.accent if index == len(choices) - 1 else theme.ink, align="c")

    @contextmanager
    def sheet(self, top: float, title: str = "", *, close: bool = True) -> Iterator[None]:
        """A panel that slid up from the bottom over a darkened page; what is added inside stands on it."""
        self.veil()
        self.popup = True
        self.fill(0, top, WIDTH, self.height + 20, self.theme.card, 14)
        if title:
            self.centred(top + 15, title, 16, bold=True)
        if close:
            if self.words.chance(0.5):
                self.text(WIDTH - 20, top + 14, self.words.pick("×|X"), 17, self.theme.muted, align="c")
            else:
                self.stroke((WIDTH - 26, top + 16), (WIDTH - 14, top + 28), colour=self.theme.muted, width=1.5)
                self.stroke((WIDTH - 14, top + 16), (WIDTH - 26, top + 28), colour=self.theme.muted, width=1.5)
        self.y = top + (48 if title else 30)
        left, right = self.left, self.right
        self.left, self.right = 18, WIDTH - 18
        yield
        self.left, self.right = left, right

    def coupon(self, amount: str, limit: str, name: str, action: str, *, sub: str = "", height: float = 74) -> None:
        """One wide coupon: face value at the left, name in the middle, a button at the right."""
        live = action not in ("已抢光", "已抢完", "已过期", "不可用", "已失效", "已使用")
        ink = RED if live else self.theme.muted
        left, right, top = self.left, self.right, self.y
        self.fill(left, top, right, top + height, COUPON if live else (240, 240, 240), 8)
        self.stroke((left + 96, top + 8), (left + 96, top + height - 8), colour=mix(WHITE, RED, 0.3))
        self.text(left + 48, top + 14, amount, 23, ink, align="c", bold=True)
        self.text(left + 48, top + 46, limit, 11, ink, align="c", width=92)
        self.text(left + 106, top + 14, name, 14, (60, 20, 20), bold=True, width=right - left - 186)
        if sub:
            self.paragraph(left + 106, top + 37, sub, 10, (150, 110, 110), width=right - left - 186, most=2)
        width = 64.0
        self.fill(right - width - 8, top + height / 2 - 14, right - 8, top + height / 2 + 14, ink, 14)
        self.text(right - 8 - width / 2, top + height / 2 - 6, action, 12, WHITE, align="c", width=width - 2)
        self.y = top + height + 8

    def tickets(self, items: Sequence[tuple[str, str, str]], name: str = "") -> None:
        """Coupons side by side: (amount, limit, action) each, with a name above all."""
        if name:
            self.heading(name)
        step = (self.right - self.left) / len(items)
        for index, (amount, limit, action) in enumerate(items):
            left = self.left + step * index
            self.fill(left + 2, self.y, left + step - 2, self.y + 88, COUPON, 8)
            middle = left + step / 2
            self.text(middle, self.y + 10, amount, 20, RED, align="c", bold=True, width=step - 6)
            self.text(middle, self.y + 38, limit, 10, (160, 60, 70), align="c", width=step - 6)
            if action:
                self.fill(left + 8, self.y + 58, left + step - 8, self.y + 80, RED, 11)
                self.text(middle, self.y + 63, action, 11, WHITE, align="c", width=step - 18)
        self.y += 96

    def map_area(self, height: float, bubble: str = "", sub: str = "") -> None:
        """A map with a route: pale ground, roads, cities' names, perhaps a bubble with the parcel's state."""
        rng, words = self.rng, self.words
        top, bottom = self.y, self.y + height
        land: Colour = rng.choice(((240, 243, 246), (232, 240, 232), (222, 232, 244)))
        self.fill(0, top, WIDTH, bottom, land)
        for _ in range(rng.randint(4, 9)):
            start = (rng.uniform(0, WIDTH), rng.uniform(top, bottom))
            end = (rng.uniform(0, WIDTH), rng.uniform(top, bottom))
            self.stroke(
                start, end, colour=rng.choice((WHITE, (214, 224, 236), (250, 226, 180))), width=rng.uniform(1, 4)
            )
        if rng.random() < 0.4:
            self.oval(rng.uniform(0, WIDTH), rng.uniform(top, bottom), rng.uniform(20, 50), (196, 220, 246))
        for _ in range(rng.randint(2, 7)):
            name = words.pick(words.city(), words.city(), words.say("roads"), words.city() + "市")
            self.text(
                rng.uniform(6, 310), rng.uniform(top + 4, bottom - 20), name, rng.choice((10, 11, 12)), (120, 126, 136)
            )
        route = [(rng.uniform(40, 320), rng.uniform(top + 50, bottom - 20)) for _ in range(rng.randint(2, 5))]
        self.stroke(*route, colour=self.theme.accent, width=3)
        self.oval(*route[0], 9, self.theme.accent)
        self.text(route[0][0], route[0][1] - 5, words.pick("收|发"), 10, WHITE, align="c")
        if bubble:
            width = max(len(bubble) * 15, len(sub) * 12) + 26.0
            at = rng.uniform(top + 8, max(top + 10, bottom - 60))
            left = rng.uniform(10, max(11, WIDTH - width - 10))
            self.fill(left, at, left + width, at + (46 if sub else 30), self.theme.accent, 15)
            self.text(left + 13, at + 8, bubble, 14, WHITE, bold=True)
            if sub:
                self.text(left + 13, at + 28, sub, 11, (255, 235, 220))
        self.y = bottom

    def strip(self, title: str, rows: int = 1) -> None:
        """Recommended goods in two columns, which carry words of other pages."""
        words = self.words
        if title:
            self.centred(self.y + 2, title, 13, self.theme.muted)
            self.y += 24
        for _ in range(rows):
            if self.full:
                return
            for column in (0, 1):
                product = words.product()
                left = 8 + column * 174
                self.fill(left, self.y, left + 168, self.y + 226, self.theme.card, 8)
                self.thing(left, self.y, left + 168, self.y + 150, product.thing)
                tag = words.pick("||红包省3元 |券后价 |天猫榜单 |退货包运费 |官方立减 ")
                self.text(left + 6, self.y + 156, tag + product.title, 12, width=156)
                self.text(
                    left + 6, self.y + 178, words.pick("包邮|退货宝|先用后付|7天无理由退货"), 10, self.theme.accent
                )
                price = words.price(product.price)
                self.text(
                    left + 6, self.y + 198, f"{price}{words.pick('|券后价|到手价')}", 14, self.theme.accent, bold=True
                )
                self.text(left + 164, self.y + 201, words.sold(), 10, self.theme.muted, align="r")
            self.y += 234

    def fill_room(self) -> None:
        """Recommended goods in the room that a short page of the shop leaves, as the apps fill it."""
        short = 0.3 * self.height < self.y < self.height - 190
        if self.popup or self.photo or not short or self.theme.app not in ("taobao", "tmall") or self.words.chance(0.4):
            return
        at = len(self.ops) if self.foot is None else self.foot
        bars = self.ops[at:]
        del self.ops[at:]
        self.strip(self.words.pick("|你可能还喜欢|猜你喜欢|买它的人也看中这些|为你推荐"), 2)
        self.ops.extend(bars)

    def rewards(self) -> None:
        """The gift strip that Taobao hangs under a parcel or an order."""
        with self.card():
            self.heading("本单奖励")
            for index, (name, line) in enumerate((("淘金币", "最高10金币"), ("服饰5元券", "满6元可用"))):
                left = self.left + index * 156
                self.text(left, self.y, name, 12)
                self.text(left, self.y + 17, line, 10, self.theme.muted)
                self.button(left + 92, self.y + 2, 48, "领取", height=24)
            self.y += 34

    def empty_picture(self, text: str, *, size: float = 60, sub: str = "") -> None:
        """A drawn emblem in the middle with a line beneath, as failure and success pages have."""
        x = WIDTH / 2
        self.oval(x, self.y + size / 2 + 10, size / 2, mix(self.theme.accent, WHITE, 0.3))
        self.fill(x - 14, self.y + size / 2, x + 14, self.y + size / 2 + 22, WHITE, 4)
        self.y += size + 26
        self.text(x, self.y, text, 17, align="c", bold=True)
        self.y += 28
        for row in self.lines(sub, 13, 260):
            self.text(x, self.y, row, 13, self.theme.muted, align="c")
            self.y += 20
        self.y += 8
