"""Words for screens: products, shops, places, moments and numbers, drawn from words.yaml by a seeded generator."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml


@lru_cache(maxsize=1)
def catalogue() -> dict[str, Any]:
    """The parsed words.yaml."""
    return dict(yaml.safe_load((Path(__file__).parent / "words.yaml").read_text("utf-8")))


@dataclass(frozen=True, slots=True)
class Product:
    """A product as a shop lists it. `spec` is one choice ('颜色分类:白色;尺码:L'), `options` all of them."""

    title: str
    noun: str
    thing: str
    price: float
    spec: str
    options: dict[str, list[str]]


class Words:
    """Everything random that is text. One object is one user's screen: shop, courier and moment stay the same."""

    def __init__(self, rng: random.Random) -> None:
        """Args: rng: the screen's generator."""
        self.rng = rng
        self.book = catalogue()
        self.moment = datetime(2023, 6, 1) + timedelta(minutes=rng.randrange(1_500_000))
        self.courier = rng.choice(self.book["couriers"])
        self.shop = rng.choice(self.book["brands"]) + rng.choice(self.book["shop_kinds"])

    def pick(self, *texts: str) -> str:
        """One of the wordings; a text may hold several, as 'yes|no'."""
        return self.rng.choice([wording for text in texts for wording in text.split("|")])

    def say(self, subject: str) -> str:
        """A text about a subject from the catalogue, such as 'refund_reasons'."""
        return str(self.rng.choice(self.book[subject]))

    def few(self, subject: str, low: int, high: int) -> list[str]:
        """Between `low` and `high` distinct texts about a subject."""
        return self.some(self.book[subject], low, high)

    def some(self, options: str | Sequence[str], low: int, high: int) -> list[str]:
        """Between `low` and `high` distinct options, in their order; a text holds them as 'red|blue'."""
        options = options.split("|") if isinstance(options, str) else options
        count = min(self.rng.randint(low, high), len(options))
        chosen = set(self.rng.sample(range(len(options)), count))
        return [option for index, option in enumerate(options) if index in chosen]

    def chance(self, share: float) -> bool:
        """True with this probability."""
        return self.rng.random() < share

    def product(self) -> Product:
        """A product with an invented title."""
        entry = self.rng.choice(self.book["products"])
        traits = self.rng.sample(entry["traits"], min(len(entry["traits"]), self.rng.randint(1, 3)))
        brand = self.rng.choice(self.book["brands"]) if self.chance(0.7) else ""
        title = brand + "".join(traits) + entry["noun"] + self.rng.choice(self.book["suffixes"])
        spec = ";".join(f"{key}:{self.rng.choice(values)}" for key, values in entry["specs"].items())
        low, high = entry["price"]
        price = round(self.rng.uniform(low, high), self.rng.choice((0, 1, 2)))
        return Product(title, entry["noun"], entry["thing"], price, spec, entry["specs"])

    def price(self, value: float | None = None, sign: str = "¥") -> str:
        """'¥12.80': two decimals mostly, sometimes as few as needed."""
        number = round(self.rng.uniform(3, 999) if value is None else value, 2)
        return f"{sign}{number:.2f}" if self.chance(0.6) or number < 3 else f"{sign}{number:g}"

    def city(self) -> str:
        """A city without 市."""
        return str(self.rng.choice(self.book["cities"]))

    def site(self) -> str:
        """A courier's place: '浙江金华转运中心'."""
        kind = self.rng.choice(("转运中心", "分拨中心", "集散中心", "营业部", "网点", "揽投部", "处理中心", "公司"))
        middle = self.rng.choice(self.book["districts"]) if kind in ("营业部", "网点", "揽投部", "公司") else ""
        return f"{self.city()}{middle}{kind}"

    def address(self) -> str:
        """A street address with the end painted over or starred."""
        book = self.book
        place = f"{self.city()}市{self.rng.choice(book['districts'])}区"
        return f"{place}{self.rng.choice(book['roads'])}{self.rng.randint(1, 399)}号"

    def number(self, digits: int) -> str:
        """A number of so many digits that does not start with 0."""
        return str(self.rng.randrange(10 ** (digits - 1), 10**digits))

    def phone(self) -> str:
        """A telephone number with its middle starred: '138****5102'."""
        return f"1{self.number(2)}****{self.number(4)}"

    def order(self) -> str:
        """An order number."""
        return self.number(19)

    def stamp(self, hours_ago: float = 0, form: str = "%Y-%m-%d %H:%M:%S") -> str:
        """The moment of the screen, or some hours before it."""
        return (self.moment - timedelta(hours=hours_ago)).strftime(form)

    def short(self, hours_ago: float = 0) -> str:
        """'06-12 09:31'."""
        return self.stamp(hours_ago, "%m-%d %H:%M")

    def left(self) -> str:
        """Time left of a step: '还剩3天4时12分'."""
        return f"还剩{self.rng.randint(0, 9)}天{self.rng.randint(0, 23)}时{self.rng.randint(0, 59)}分"

    def sold(self) -> str:
        """'已售200+', '3000+人付款'."""
        amount = self.rng.choice(("30", "100+", "200+", "600+", "1000+", "3000+", "1万+", "10万+"))
        return self.rng.choice((f"已售{amount}", f"{amount}人付款", f"月销{amount}"))
