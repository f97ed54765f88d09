"""Product catalogues as a source of knowledge: title, attributes, price and pictures, from CSV, Excel or JSON."""

from __future__ import annotations

import html
import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

from kdsl.data.columns import AS_KNOWN, Columns, Known
from kdsl.data.fields import PICTURES, kind, picture_name
from kdsl.data.notes import Notes
from kdsl.data.pictures import picture_path
from kdsl.errors import InputError
from kdsl.knowledge.documents import Document, language_of
from kdsl.knowledge.entries import Anchors, Entry, Faults, by_part, clean, entries, source_of, too_long

log = logging.getLogger(__name__)

PRODUCT: Known = MappingProxyType(
    {
        "id": ("id", "sku", "asin", "item_id", "product_id", "编号", "商品编号", "商品id", "货号"),
        "title": ("title", "name", "product", "product_name", "标题", "商品标题", "商品名称", "商品名", "名称", "商品"),
        "text": ("text", "description", "desc", "描述", "商品描述", "详情", "简介"),
        "price": ("price", "价格", "售价", "单价"),
        "picture": ("picture", *PICTURES, "图片", "商品图片", "主图", "商品主图", "图片路径"),
        "attributes": ("attributes", "attrs", "属性", "商品属性", "参数"),
    }
)
"""The parts of a product. Every other column is an attribute under its own name."""

_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")


@dataclass(frozen=True, slots=True)
class Product:
    """One product of a catalogue; `price` is as it stands there, `pictures` are paths below the folder of pictures."""

    id: str
    title: str
    text: str
    price: str | None
    attributes: Mapping[str, str]
    pictures: tuple[str, ...]
    source: str

    def document(self) -> Document:
        """The product for the knowledge base: what is said of it, its price, and its attributes with their names."""
        chinese = language_of(self.title) == "zh"
        colon, comma, price = ("：", "；", "价格") if chinese else (": ", "; ", "price")
        named = {price: self.price, **self.attributes} if self.price else self.attributes
        facts = comma.join(f"{name}{colon}{value}" for name, value in named.items())
        text = "\n".join(part for part in (self.text, facts) if part)
        picture = self.pictures[0] if self.pictures else None
        return Document(self.id, "product", self.title, text, source=self.source, picture=picture)


def read_products(
    paths: Sequence[Path],
    images: Path,
    base: Path,
    columns: Columns = AS_KNOWN,
    on_fault: Literal["raise", "leave out"] = "raise",
) -> list[Product]:
    """The products of catalogues, a row each.

    A picture that is not below `images`, or that is named by its web address, is left out with a warning: nothing is
    ever fetched.

    Args:
        base: the folder that sources are named from.
        columns: part of a product -> column that is called otherwise than `PRODUCT` says.
        on_fault: 'leave out' rows with faults, with a warning that lists them.

    Raises:
        InputError: a file cannot be read, or rows have faults (all of them are listed); or no product is left.
    """
    faults, notes, anchors = Faults(), Notes(), Anchors()
    products: list[Product] = []
    seen: dict[str, str] = {}
    for source, path in {source_of(path, base): path for path in paths}.items():
        for entry in entries(path, source, PRODUCT, columns, faults, notes):
            where = f"{source}, {entry.where}"
            try:
                product = _product(entry, images, anchors, notes)
            except InputError as error:
                faults.add(where, str(error))
                continue
            if product.id in seen:
                faults.add(where, f"id '{product.id}' stands in {seen[product.id]} already")
            seen.setdefault(product.id, where)
            products.append(product)
    what = ", ".join(map(str, paths))
    try:
        faults.raise_any(what, "products")
    except InputError as error:
        if on_fault == "raise" or not products:
            raise
        log.warning("%s\nThese are left out.", error)
    notes.log(Path(what))
    return products


def _product(entry: Entry, images: Path, anchors: Anchors, notes: Notes) -> Product:
    parts, others = by_part(entry.values, PRODUCT)
    said = {part: _text(part, parts.get(part)) for part in ("id", "price")}
    title, text = (_unescaped(_text(part, parts.get(part))) for part in ("title", "text"))
    if not title:
        raise InputError(f"has no title; it is looked for under {', '.join(PRODUCT['title'])}, or name its column")
    given = parts.get("attributes")
    attributes = dict(_attributes(given, others))
    if isinstance(given, str):  # written out: '材质：陶瓷；容量：300毫升'
        text = f"{text}\n{_unescaped(clean(given))}".strip()
    if fault := too_long([title, text, *attributes, *attributes.values()]):
        raise InputError(fault)
    return Product(
        id=said["id"] or anchors.id_of(entry.source, title),
        title=title,
        text=text,
        price=said["price"] or None,
        attributes=attributes,
        pictures=tuple(_pictures(parts.get("picture"), images, entry.where, notes)),
        source=entry.source,
    )


def _attributes(given: Any, others: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Attributes with their names: of a mapping, of a list of `{name, value}`, and of columns of their own."""
    if isinstance(given, list):
        if not all(isinstance(one, dict) and {"name", "value"} <= one.keys() for one in given):
            raise InputError('attributes should be named values, or a list of {"name": ..., "value": ...}')
        given = {str(one["name"]): one["value"] for one in given}
    for name, value in {**(given if isinstance(given, dict) else {}), **others}.items():
        if text := _unescaped(_text(name, value)):
            yield _unescaped(clean(str(name))), text


def _text(part: str, value: Any) -> str:
    """A value as text: numbers as they are written, several values with commas."""
    if isinstance(value, list) and all(isinstance(one, str | int | float) for one in value):
        return ", ".join(_text(part, one) for one in value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, str | int | float):
        return clean(str(value))
    if value is None:
        return ""
    raise InputError(f"'{part}' should be a text, a number or a list of them, found {kind(value)}")


def _unescaped(text: str) -> str:
    """A clean text as its reader sees it: shops' exports keep entities of HTML (`&amp;`, `&#39;`), some escaped twice.

    Those without a semicolon stay: `B&ltd` is a name.
    """
    for _ in range(2):
        text = _ENTITY.sub(lambda found: html.unescape(found[0]), text)
    return clean(text)


def _pictures(given: Any, images: Path, where: str, notes: Notes) -> Iterator[str]:
    """Names of the pictures that lie below `images`; others are noted."""
    for one in given if isinstance(given, list) else [given] if given is not None else []:
        try:
            name = picture_name(one, "picture")
            picture_path(images, name)
        except InputError as error:
            web = isinstance(one, str) and "://" in one
            notes.add("pictures on the web are not fetched" if web else "pictures are left out", where, str(error))
        else:
            yield name
