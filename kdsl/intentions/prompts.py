"""What a model is asked in each stage of MIND: a product's features, an intention per pair and relation, a verdict.

A model that chats is asked as published (EMNLP 2024, section 3 and appendix A), in fewer words; one that only continues
texts gets the same facts as a text whose next words are the answer. A product's texts are data: each is one line, cut.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from kdsl.intentions.backends.base import Request
from kdsl.intentions.relations import Language, Relation

if TYPE_CHECKING:
    from PIL.Image import Image

    from kdsl.knowledge.products import Product

TITLE, FACTS, FEATURES = 200, 400, 700
"""Characters of a product's title, of what its catalogue says of it, and of what stage 1 wrote, in a prompt."""
BAR = 20
"""Pixels of the black bar between two pictures, as published."""
SIDE = 1024
"""Longest side of a picture in pixels; a larger one is scaled down."""

ANSWERS: dict[Language, tuple[str, str]] = {"en": ("Yes", "No"), "zh": ("是", "否")}
"""What the judge's verdict is weighed between; the first is approval."""
OPENING: dict[Language, str] = {"en": "The customer bought both products ", "zh": "顾客同时购买这两件商品，"}
"""What stands before a relation's wording."""

_USE: dict[Language, str] = {"en": "Customers use it for", "zh": "顾客用它来"}
"""What stage 1 begins with, where a model only continues."""
_SHOWN: dict[Language, dict[int, str]] = {
    "en": {1: "The picture shows the product. ", 2: "The upper picture shows product A, the lower one product B. "},
    "zh": {1: "图中是该商品。", 2: "上图是商品A，下图是商品B。"},
}
_HALF_SHOWN: dict[Language, str] = {"en": "The picture shows product {}. ", "zh": "图中是商品{}。"}
_CHAT: dict[Language, dict[str, str]] = {
    "en": {
        "features": "{shown}{facts}\nDescribe this product for a shopper in at most 80 words: its features, design and "
        "apparent quality, what distinguishes it from similar products, and what a customer would use it for.",
        "intention": "{shown}\n{facts}\nA customer bought both products in one purchase. What intention of this person "
        "explains it? Write one sentence of at most 40 words about what the person wants to do or to have, not about "
        "how good the products are. Begin with: {opening}",
        "verdict": "{shown}\n{facts}\nA possible intention: {intention}\nSuppose that you are a consumer who is eager "
        "to buy product A or product B. Would this intention make you buy both at once? Be critical: an intention that "
        "is wrong for one of the products, or that says nothing, would not. Answer Yes or No.",
    },
    "zh": {
        "features": "{shown}{facts}\n请用不超过120字向买家介绍这件商品：特点、设计和看得出的品质，"
        "与同类商品的区别，以及顾客会用它来做什么。",
        "intention": "{shown}\n{facts}\n一位顾客在一次购物中同时买了这两件商品。这个人的什么意图可以解释？"
        "请用一句不超过60字的话，写这个人想做什么或想得到什么，不要夸商品。以这句话开头：{opening}",
        "verdict": "{shown}\n{facts}\n可能的意图：{intention}\n假设你是很想买商品A或商品B的消费者，"
        "这个意图会让你同时购买两件吗？请严格判断：意图与其中一件不符，或什么也没说，就不会。请回答是或否。",
    },
}
_CONTINUED: dict[Language, dict[str, str]] = {
    "en": {
        "features": "{facts}\nWhat customers buy it for, in one sentence:",
        "intention": "{facts}\nA customer bought product A and product B together. The reason, in one sentence:",
        "verdict": "{facts}\nA reason to buy both: {intention}\nQuestion: Is this a sensible reason to buy product A "
        "and product B together? Answer Yes or No.\nAnswer:",
    },
    "zh": {
        "features": "{facts}\n顾客买这件商品是为了（一句话）：",
        "intention": "{facts}\n一位顾客同时买了商品A和商品B。原因（一句话）：",
        "verdict": "{facts}\n同时购买的理由：{intention}\n"
        "问题：这是同时购买商品A和商品B的合理理由吗？请回答是或否。\n回答：",
    },
}


@dataclass(frozen=True, slots=True)
class Described:
    """A product with its picture, if it has one, and with what stage 1 wrote of it."""

    product: Product
    picture: Image | None
    features: str = ""


@dataclass(frozen=True, slots=True)
class Prompts:
    """The requests of a run: in one language, to a model that chats or continues texts."""

    language: Language
    chats: bool

    def features(self, product: Product, picture: Image | None) -> Request:
        """Stage 1: what a product is like, and what for."""
        name = "Product" if self.language == "en" else "商品"
        shown = _SHOWN[self.language][1] if picture else ""
        facts = self._facts(name, Described(product, picture))
        opening = "" if self.chats else _USE[self.language]
        return Request(self._template("features").format(shown=shown, facts=facts), picture, opening)

    def intention(self, a: Described, b: Described, relation: Relation) -> Request:
        """Stage 2: why both were bought, in the words of a relation."""
        return self._of_pair("intention", a, b, opening=self.opening(relation))

    def verdict(self, a: Described, b: Described, intention: str) -> Request:
        """Stage 3: whether an intention would make a customer buy both."""
        return self._of_pair("verdict", a, b, intention=one_line(intention, FEATURES))

    def opening(self, relation: Relation) -> str:
        """What each intention of a relation begins with."""
        return OPENING[self.language] + relation.wording(self.language)

    def _of_pair(self, what: str, a: Described, b: Described, opening: str = "", intention: str = "") -> Request:
        names = ("Product A", "Product B") if self.language == "en" else ("商品A", "商品B")
        facts = "\n".join(self._facts(name, one) for name, one in zip(names, (a, b), strict=True))
        text = self._template(what).format(
            shown=self._shown(a.picture, b.picture), facts=facts, opening=opening, intention=intention
        )
        answers = ANSWERS[self.language] if what == "verdict" else ()
        return Request(text.strip(), stacked([a.picture, b.picture]), opening, answers)

    def _template(self, what: str) -> str:
        return (_CHAT if self.chats else _CONTINUED)[self.language][what]

    def _shown(self, a: Image | None, b: Image | None) -> str:
        if a and b:
            return _SHOWN[self.language][2]
        return _HALF_SHOWN[self.language].format("A" if a else "B") if a or b else ""

    def _facts(self, name: str, one: Described) -> str:
        """A product on a line or two: its title, what the catalogue says, and what stage 1 wrote."""
        product, chinese = one.product, self.language == "zh"
        colon, comma = ("：", "；") if chinese else (": ", "; ")
        attributes = comma.join(f"{key}{colon}{value}" for key, value in product.attributes.items())
        facts = one_line(" ".join(part for part in (product.text, attributes) if part), FACTS)
        lines = [f"{name}{colon}{one_line(product.title, TITLE)}", facts]
        if one.features:
            head = "用途" if chinese else "Used for"
            lines.append(f"{head}{colon}{one_line(one.features, FEATURES)}")
        return "\n".join(line for line in lines if line)


def one_line(text: str, most: int) -> str:
    """A text on one line, cut to so many characters."""
    line = " ".join(text.split())
    return line if len(line) <= most else line[: most - 1] + "…"


def stacked(pictures: Sequence[Image | None]) -> Image | None:
    """Pictures one below the other with a black bar between them; those that are missing take no room."""
    from PIL import Image

    shown = [picture for picture in pictures if picture is not None]
    if len(shown) < 2:
        return shown[0] if shown else None
    height = sum(picture.height for picture in shown) + BAR * (len(shown) - 1)
    whole = Image.new("RGB", (max(picture.width for picture in shown), height), "black")
    top = 0
    for picture in shown:
        whole.paste(picture, (0, top))
        top += picture.height + BAR
    return whole


def open_small(images: Path, name: str, max_megapixels: float) -> Image:
    """A product's picture, scaled down to `SIDE`.

    Raises:
        InputError: it is not there, damaged or too large.
    """
    from kdsl.data.pictures import open_picture

    picture = open_picture(images, name, max_megapixels)
    picture.thumbnail((SIDE, SIDE))
    return picture
