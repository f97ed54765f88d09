"""Parts that every app is made of: bars, headings, rows, goods, timelines, buttons."""

from __future__ import annotations

from collections.abc import Sequence

from kdsl.world.screens.paper import WIDTH, Paper
from kdsl.world.screens.theme import BLACK, WHITE, Colour, mix
from kdsl.world.screens.words import Product

GREY: Colour = (205, 205, 210)
APP_TABS = ("首页", "视频", "消息", "购物车", "我的淘宝")
PRODUCT_TABS = ("宝贝", "评价", "详情", "推荐")
ORDER_TABS = ("全部", "待付款", "待发货", "待收货", "退款/售后")
MESSAGE_TABS = ("物流", "提醒", "互动", "赞评", "优惠", "其他")


class Toolkit(Paper):
    """Paper with the parts of every app."""

    def status_bar(self, colour: Colour | None = None, ink: Colour | None = None) -> None:
        """Clock, network and battery, as phones of several makers show them."""
        words, rng = self.words, self.rng
        theme = self.theme
        self.fill(0, self.y, WIDTH, self.y + 26, colour or theme.bar)
        ink = ink or theme.bar_ink
        clock = words.stamp(0, words.pick("%H:%M|%H:%M|%-H:%M"))
        if words.chance(0.15):
            clock = words.pick("上午|下午|晚上|中国移动 |中国联通 |中国电信 ") + clock
        self.text(rng.choice((14, 22, 30)), self.y + 8, clock, 11, ink, bold=words.chance(0.5))
        right = WIDTH - 14.0
        for text in words.some([str(rng.randint(5, 100)), words.pick("5G|4G|5G HD"), words.pick("KB/s|HD|淘")], 1, 3):
            right -= self.text(right, self.y + 9, text, 9, ink, align="r") + 6
        self.fill(right - 22, self.y + 10, right - 4, self.y + 18, None, 2, ink)
        self.y += 26

    def title_bar(self, title: str, right: Sequence[str] = (), *, centred: bool | None = None) -> None:
        """Back arrow, title, and icons or words at the right; with a status bar above most of the time."""
        theme, words = self.theme, self.words
        if words.chance(0.93):
            self.status_bar()
        self.fill(0, self.y, WIDTH, self.y + 42, theme.bar)
        if words.chance(0.5):
            self.text(12, self.y + 12, words.pick("←|<"), 17, theme.bar_ink)
        else:
            self.stroke((22, self.y + 14), (15, self.y + 21), (22, self.y + 28), colour=theme.bar_ink, width=1.6)
        if centred if centred is not None else words.chance(0.35):
            self.centred(self.y + 12, title, 17, theme.bar_ink, bold=True)
        else:
            self.text(40, self.y + 12, title, 17, theme.bar_ink, bold=True)
        x: float = WIDTH - 14
        for text in right:
            x -= self.text(x, self.y + 14, text, 13, theme.bar_ink, align="r") + 12
        if not right:
            for _ in range(self.rng.randint(0, 3)):
                self.oval(x - 8, self.y + 21, 7, None, theme.bar_ink)
                x -= 26
            if words.chance(0.3):
                self.oval(WIDTH - 14, self.y + 12, 7, (255, 80, 30))
                self.text(WIDTH - 14, self.y + 8, str(self.rng.randint(1, 99)), 8, WHITE, align="c")
        self.y += 42

    def banner(self, title: str, lines: Sequence[str] = (), colours: tuple[Colour, Colour] | None = None) -> None:
        """A coloured head with a state and a few lines, such as a refund's or an order's."""
        first, last = colours or (self.theme.accent, self.theme.accent_2)
        rows = [row for line in lines for row in self.lines(line, 12, WIDTH - 60)]
        bottom = self.y + 52 + 18 * len(rows)
        self.gradient(self.y, bottom, first, last)
        self.text(18, self.y + 16, title, 19, WHITE, bold=True)
        for index, row in enumerate(rows):
            self.text(18, self.y + 44 + 18 * index, row, 12, (255, 240, 230))
        self.y = bottom + 8

    def heading(self, text: str, right: str = "", *, colour: Colour | None = None, size: int = 15) -> None:
        """A bold line, perhaps with a link at the right."""
        self.text(self.left, self.y + 3, text, size, colour, bold=True, width=self.right - self.left)
        if right:
            self.text(self.right, self.y + 5, right, 12, self.theme.muted, align="r")
        self.y += size + 11

    def pair(
        self, key: str, value: str, *, private: bool = False, colour: Colour | None = None, spread: bool = True
    ) -> None:
        """A key with its value at the right edge, or close behind it when not `spread`."""
        self.text(self.left, self.y + 4, key, 13, self.theme.muted if not spread or self.words.chance(0.5) else None)
        x, align = (self.right, "r") if spread else (self.left + 82, "l")
        room = self.right - self.left - 100
        self.text(x, self.y + 4, value, 13, colour, align=align, private=private, width=room)
        self.y += 25

    def note(
        self, text: str, *, size: int = 12, colour: Colour | None = None, most: int = 6, bold: bool = False
    ) -> None:
        """A paragraph of small text, grey unless coloured."""
        self.y += self.paragraph(
            self.left,
            self.y + 2,
            text,
            size,
            colour or self.theme.muted,
            width=self.right - self.left,
            most=most,
            bold=bold,
        )
        self.y += 5

    def button(
        self, left: float, top: float, width: float, text: str, *, main: bool = True, height: float = 30
    ) -> None:
        """A pill-shaped button; a framed one when not `main`."""
        theme = self.theme
        if main:
            self.fill(left, top, left + width, top + height, theme.accent, height / 2)
            ink = WHITE
        else:
            self.fill(left, top, left + width, top + height, None, height / 2, GREY)
            ink = theme.ink
        size = 14 if height >= 30 else 12
        self.text(left + width / 2, top + (height - size) / 2, text, size, ink, align="c", width=width - 4)

    def buttons(self, texts: Sequence[str], main: int | None = -1) -> None:
        """Small buttons at the right edge of the flow; `main` counts which one is filled, from the end if negative."""
        x = self.right
        chosen = None if main is None else main % len(texts)
        for index in range(len(texts) - 1, -1, -1):
            width = 22.0 + 12.5 * len(texts[index])
            self.button(x - width, self.y, width, texts[index], main=index == chosen, height=26)
            x -= width + 6
        self.y += 34

    def foot_buttons(self, texts: Sequence[str], main: int | None = -1, left: Sequence[str] = ()) -> None:
        """A bar of buttons fixed at the page's bottom, above the home indicator."""
        top = self.height - 62
        self.foot = len(self.ops) if self.foot is None else self.foot
        self.fill(0, top, WIDTH, self.height, self.theme.card)
        x: float = 26
        for text in left:
            self.oval(x, top + 15, 7, None, self.theme.muted)
            self.text(x, top + 27, text, 10, self.theme.muted, align="c")
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
            self.button(x, top + 8, width, text, main=index == chosen, height=36 if len(texts) < 3 else 30)
            x += width + 6
        self._home()

    def buy_bar(self, buy: Sequence[str], icons: Sequence[str] = ("店铺", "客服", "收藏")) -> None:
        """A product page's foot: small icons, then one or two joined buttons."""
        top = self.height - 62
        self.foot = len(self.ops) if self.foot is None else self.foot
        self.fill(0, top, WIDTH, self.height, self.theme.card)
        for index, text in enumerate(icons):
            x = 24 + 40 * index
            self.fill(x - 7, top + 9, x + 7, top + 22, None, 3, self.theme.muted)
            self.text(x, top + 27, text, 10, self.theme.muted, align="c")
        left = 8 + 40.0 * len(icons) + 8
        width = (WIDTH - 10 - left) / len(buy)
        for index, text in enumerate(buy):
            colour = self.theme.accent if index == len(buy) - 1 else self.theme.accent_2
            self.fill(left + index * width, top + 7, left + (index + 1) * width, top + 45, colour, 18)
            self.text(left + (index + 0.5) * width, top + 18, text, 15, WHITE, align="c", bold=True, width=width - 6)
        self._home()

    def tab_bar(self, texts: Sequence[str], active: int = 0) -> None:
        """The app's own navigation at the bottom."""
        top = self.height - 58
        self.foot = len(self.ops) if self.foot is None else self.foot
        self.fill(0, top, WIDTH, self.height, self.theme.card)
        self.stroke((0, top), (WIDTH, top))
        for index, text in enumerate(texts):
            x = WIDTH * (index + 0.5) / len(texts)
            colour = self.theme.accent if index == active else self.theme.muted
            self.oval(x, top + 17, 9, colour if index == active else None, colour)
            self.text(x, top + 30, text, 10, colour, align="c")
            if self.words.chance(0.12):
                self.oval(x + 12, top + 9, 7, (255, 60, 30))
                self.text(x + 12, top + 5, str(self.rng.randint(1, 99)), 8, WHITE, align="c")
        self._home()

    def _home(self) -> None:
        """The system's home indicator, or its three keys."""
        if self.words.chance(0.6):
            self.fill(WIDTH / 2 - 55, self.height - 8, WIDTH / 2 + 55, self.height - 5, self.theme.ink, 2)
        else:
            y = self.height - 8
            for x in (90, 180, 270):
                self.oval(x, y, 4, None, self.theme.muted)

    def tabs(self, texts: Sequence[str], active: int = 0, *, colour: Colour | None = None) -> None:
        """Tabs under the title, the active one in the accent with a line beneath."""
        self.fill(0, self.y, WIDTH, self.y + 36, colour or self.theme.card)
        step = (WIDTH - 16) / len(texts)
        size = 13 if step > 52 else 11
        for index, text in enumerate(texts):
            x = 8 + step * (index + 0.5)
            live = index == active
            self.text(x, self.y + 11, text, size, self.theme.accent if live else self.theme.ink, align="c", bold=live)
            if live:
                self.fill(x - 10, self.y + 30, x + 10, self.y + 33, self.theme.accent, 1.5)
        self.y += 38

    def search_bar(self, hint: str, button_text: str = "", *, back: bool = True) -> None:
        """A round search field with a hint or a query."""
        if self.words.chance(0.9):
            self.status_bar()
        self.fill(0, self.y, WIDTH, self.y + 42, self.theme.bar)
        left = 34.0 if back else 12.0
        if back:
            self.stroke((22, self.y + 14), (15, self.y + 21), (22, self.y + 28), colour=self.theme.bar_ink, width=1.6)
        right = WIDTH - (60 if button_text else 14)
        self.fill(left, self.y + 6, right, self.y + 36, mix(self.theme.card, BLACK, 0.04), 15, self.theme.accent)
        self.text(left + 12, self.y + 14, hint, 13, self.theme.muted, width=right - left - 30)
        if button_text:
            self.text(WIDTH - 34, self.y + 14, button_text, 14, self.theme.bar_ink, align="c")
        self.y += 44

    def chips(self, texts: Sequence[str], active: int | None = None, *, height: float = 28) -> None:
        """Choices in rounded frames that wrap; the active one in the accent."""
        theme = self.theme
        x = self.left
        for index, text in enumerate(texts):
            width = min(22 + 13.0 * max(len(text) * 0.85, 2), self.right - self.left)
            if x + width > self.right:
                x, self.y = self.left, self.y + height + 8
            live = index == active
            back = mix(theme.card, theme.accent, 0.1) if live else mix(theme.card, BLACK, 0.04)
            self.fill(x, self.y, x + width, self.y + height, back, 6, theme.accent if live else None)
            ink = theme.accent if live else theme.ink
            self.text(x + width / 2, self.y + (height - 13) / 2, text, 13, ink, align="c", width=width - 6)
            x += width + 8
        self.y += height + 10

    def goods(
        self,
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
        theme, words = self.theme, self.words
        self.thing(self.left, self.y, self.left + side, self.y + side, product.thing)
        x, top = self.left + side + 10, self.y
        room = self.right - x - (64 if price else 8)
        used = self.paragraph(x, top, product.title, 13, width=room, most=2, private=private and words.chance(0.6))
        used += self.paragraph(x, top + used + 2, spec or product.spec, 11, theme.muted, width=room, most=2) + 4
        if tags:
            self.text(x, top + used + 1, " ".join(tags), 10, theme.accent, width=self.right - x)
            used += 16
        if price:
            self.text(self.right, top, words.price(product.price), 13, align="r")
        if count is not None:
            self.text(self.right, top + 20, f"{words.pick('x|×')}{count}", 11, theme.muted, align="r")
        self.y += max(side, used) + 8

    def timeline(self, steps: Sequence[tuple[str, str, str]], *, live: Colour | None = None) -> None:
        """Steps of a process, newest first: (state, time, what happened)."""
        theme = self.theme
        for index, (state, time, body) in enumerate(steps):
            colour = (live or theme.accent) if index == 0 else theme.muted
            x = self.left + 20
            self.oval(self.left + 5, self.y + 8, 4, colour)
            start = self.y
            if state or time:
                extent = (
                    self.text(x, self.y + 1, state, 14, colour if index == 0 else theme.ink, bold=True) if state else 0
                )
                self.text(x + extent + (6 if state else 0), self.y + 3, time, 11, theme.muted)
                self.y += 20
            if body:
                self.y += self.paragraph(x, self.y, body, 12, theme.ink if index == 0 else theme.muted, most=4)
            self.y += 12
            if index < len(steps) - 1:
                self.stroke((self.left + 5, start + 15), (self.left + 5, self.y + 3))

    def stars(self, x: float, y: float, count: int = 5) -> None:
        """Rating stars."""
        self.text(x, y, "★" * count, 14, self.theme.accent_2)

    def toast(self, text: str, *, y: float | None = None) -> None:
        """A dark rounded notice that floats over the self."""
        self.popup = True
        rows = self.lines(text, 14, 200)
        top = y or self.height * 0.45
        self.fill(WIDTH / 2 - 118, top, WIDTH / 2 + 118, top + 22 + 21 * len(rows), (50, 50, 52), 8)
        for index, row in enumerate(rows):
            self.centred(top + 12 + 21 * index, row, 14, WHITE)
