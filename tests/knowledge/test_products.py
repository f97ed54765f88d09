"""Catalogues become products, and products documents."""

from __future__ import annotations

import json
from pathlib import Path

import openpyxl
import pytest
from PIL import Image

from kdsl.errors import InputError
from kdsl.knowledge.documents import Document
from kdsl.knowledge.products import Product, read_products


def products(file: Path, **columns: str) -> list[Product]:
    """The products of a file whose pictures lie beside it."""
    return read_products([file], file.parent, file.parent, columns)


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    (tmp_path / "pics").mkdir()
    Image.new("RGB", (4, 4)).save(tmp_path / "pics" / "pot.png")
    return tmp_path


def test_a_table_with_chinese_names(shop: Path) -> None:
    file = shop / "products.csv"
    file.write_text(
        "\ufeff商品编号,商品名称,价格,图片,材质,容量\n"
        "1001,松果家精铁炒锅,129.00,pics/pot.png,精铁,3升\n"
        "1002,陶瓷汤锅,89,,陶瓷,\n",
        "utf-8",
    )
    pot, soup = products(file)
    facts = {"材质": "精铁", "容量": "3升"}
    assert pot == Product("1001", "松果家精铁炒锅", "", "129.00", facts, ("pics/pot.png",), "products.csv")
    text = "价格：129.00；材质：精铁；容量：3升"
    source, picture = "products.csv", "pics/pot.png"
    assert pot.document() == Document("1001", "product", "松果家精铁炒锅", text, source=source, picture=picture)
    assert soup.document().text == "价格：89；材质：陶瓷"
    assert (soup.document().picture, soup.document().language) == (None, "zh")


def test_entities_of_html_are_read_as_what_they_stand_for(shop: Path) -> None:
    row = {
        "id": "a&amp;b",
        "title": "Pot &amp;amp; Lid &#39;L&#39;, 5&quot; &#x4E2D;&nbsp;&lt;new&gt; B&ltd R&D &nosuch;",
        "description": "soft &amp; warm",
        "Size&nbsp;": "5&quot;",
        "attributes": "colour: black &amp; white",
    }
    (shop / "products.jsonl").write_text(json.dumps(row), "utf-8")
    (pot,) = products(shop / "products.jsonl")
    assert pot.id == "a&amp;b"  # logs of orders name it so
    assert pot.title == "Pot & Lid 'L', 5\" 中\xa0<new> B&ltd R&D &nosuch;"
    assert pot.text == "soft & warm\ncolour: black & white"
    assert pot.attributes == {"Size": '5"'}


def test_excel_and_json_say_the_same(shop: Path) -> None:
    book = openpyxl.Workbook()
    for cells in (["sku", "name", "price", "image", "Colour"], [7, "Iron pan", 12.0, "pics/pot.png", "black"]):
        book.active.append(cells)  # type: ignore[union-attr]
    book.save(shop / "products.xlsx")
    row = {"title": "Iron pan", "price": 12.0, "images": ["pics/pot.png"]}
    shapes = (
        {"Colour": "black"},
        {"attributes": {"Colour": "black"}},
        {"attributes": [{"name": "Colour", "value": "black"}]},
    )
    rows = (json.dumps(row | {"id": id} | shape) for id, shape in enumerate(shapes))
    (shop / "products.jsonl").write_text("\n".join(rows), "utf-8")
    found = [*products(shop / "products.xlsx"), *products(shop / "products.jsonl")]
    assert [product.id for product in found] == ["7", "0", "1", "2"]
    assert {product.document().digest for product in found} == {found[0].document().digest}
    assert found[0].document().text == "price: 12; Colour: black"


def test_columns_may_be_named(shop: Path) -> None:
    file = shop / "export.csv"
    file.write_text("宝贝,到手价\n铁锅,99\n", "utf-8")
    with pytest.raises(InputError, match=r"export.csv, line 2: has no title; it is looked for under title, name, "):
        products(file)
    (pan,) = products(file, title="宝贝", price="到手价")
    assert (pan.id, pan.title, pan.price, pan.attributes) == ("export.csv#铁锅", "铁锅", "99", {})
    with pytest.raises(InputError, match="has no column '宝贝名' for the title; columns found: 宝贝, 到手价"):
        products(file, title="宝贝名")


def test_only_pictures_below_the_folder_are_kept_and_none_is_fetched(
    shop: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (shop.parent / "secret.png").write_bytes(b"x")
    (shop / "pics" / "out.png").symlink_to(shop.parent / "secret.png")
    names = (
        "pics/pot.png",
        "../secret.png",
        "/etc/passwd",
        "C:\\x.png",
        "https://example.com/a.png",
        "pics/out.png",
        "none.png",
    )
    file = shop / "p.jsonl"
    rows = (json.dumps({"title": f"pan {number}", "image": name}) for number, name in enumerate(names))
    file.write_text("\n".join(rows), "utf-8")
    assert [product.pictures for product in products(file)] == [("pics/pot.png",), *[()] * 6]
    assert "pictures on the web are not fetched (1 time(s), first in line 5" in caplog.text
    assert "pictures are left out (5 time(s), first in line 2: \"picture '../secret.png' leaves" in caplog.text


def test_all_faults_of_a_catalogue_are_listed(shop: Path) -> None:
    file = shop / "p.jsonl"
    rows = [
        {"price": 3},
        {"id": "a", "title": "x"},
        {"id": "a", "title": "y"},
        {"title": "z", "attributes": [1]},
        {"title": "z", "price": {"amount": 3}},
        {"title": "z" * 30_000},
    ]
    file.write_text("\n".join(map(json.dumps, rows)) + "\n{", "utf-8")
    with pytest.raises(InputError, match=r"6 fault\(s\) in products") as caught:
        products(file)
    for fault in (
        "line 1: has no title",
        "line 3: id 'a' stands in p.jsonl, line 2 already",
        "line 4: attributes should be named values",
        "line 5: 'price' should be a text, a number or a list of them, found an object",
        "line 6: has 30,000 characters",
        "line 7: is not valid JSON",
    ):
        assert fault in str(caught.value)


def test_a_catalogue_is_a_file(shop: Path) -> None:
    for place, fault in ((shop / "pics", "pics: is a folder; expected a file"), (shop / "none.csv", "does not exist")):
        with pytest.raises(InputError, match=fault):
            products(place)


def test_a_title_cannot_steer_the_terminal(shop: Path) -> None:
    file = shop / "p.csv"
    file.write_text("title,size\n\x1b[2Jpan [/x],big\n", "utf-8")
    (pan,) = products(file)
    assert pan.title == "[2Jpan [/x]"
