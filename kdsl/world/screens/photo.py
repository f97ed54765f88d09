"""Photos of real things, as far as drawing can go: objects on grounds, boxes with labels, damaged goods."""

from __future__ import annotations

import random
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from kdsl.world.screens.display_list import Canvas
from kdsl.world.screens.finish import camera
from kdsl.world.screens.page import WIDTH, Page
from kdsl.world.screens.product_pictures import SHAPES, vivid
from kdsl.world.screens.theme import BLACK, WHITE, Colour, mix
from kdsl.world.screens.words import Words


@dataclass(slots=True)
class Ground:
    """A table, floor or cloth: coarse noise stretched over the picture, perhaps with planks or tiles."""

    seed: int
    colour: Colour
    height: float

    def paint(self, canvas: Canvas) -> None:
        """Fill the canvas."""
        rng = np.random.default_rng(self.seed)
        width, height = canvas.image.size
        rough = rng.standard_normal((int(rng.integers(4, 40)), int(rng.integers(3, 24))), np.float32)
        shade = np.asarray(Image.fromarray(rough).resize((width, height), Image.Resampling.BICUBIC))
        fine = np.asarray(
            Image.fromarray(rng.standard_normal((height // 3 + 1, width // 3 + 1), np.float32)).resize((width, height))
        )
        strength = float(rng.uniform(5, 22))
        base = np.array(self.colour, np.float32) + strength * shade[:, :, None] + 4 * fine[:, :, None]
        canvas.image.paste(Image.fromarray(np.clip(base, 0, 255).astype(np.uint8)), (0, 0))
        pattern = random.Random(self.seed)
        if pattern.random() < 0.4:
            step = pattern.uniform(0.12, 0.4) * width
            line = mix(self.colour, BLACK, 0.3)
            count = int(max(width, height) / step) + 2
            for index in range(count):
                if pattern.random() < 0.9:
                    canvas.draw.line((index * step, 0, index * step, height), fill=line, width=2)
                canvas.draw.line((0, index * step, width, index * step), fill=line, width=1)


@dataclass(slots=True)
class Lump:
    """An object laid on the ground: turned, with its shadow, perhaps out of focus."""

    seed: int
    shape: str
    middle: tuple[float, float]
    side: float
    angle: float

    def paint(self, canvas: Canvas) -> None:
        """Draw the object on a layer of its own, turn it, and lay it down."""
        rng = random.Random(self.seed)
        side = max(8, round(self.side * canvas.scale))
        layer = Image.new("RGBA", (side, side), (0, 0, 0, 0))
        small = Canvas(Image.new("RGB", (1, 1)), canvas.scale, canvas.face)
        small.draw = ImageDraw.Draw(layer)
        SHAPES[self.shape](small.draw, (side * 0.05, side * 0.05, side * 0.95, side * 0.95), vivid(rng), vivid(rng))
        layer = layer.rotate(self.angle, Image.Resampling.BILINEAR, expand=True)
        mask = layer.getchannel("A")
        at = (
            round(self.middle[0] * canvas.scale - layer.width / 2),
            round(self.middle[1] * canvas.scale - layer.height / 2),
        )
        shadow = mask.filter(ImageFilter.GaussianBlur(side * 0.03)).point(lambda value: int(value * 0.55))
        canvas.image.paste((15, 12, 10), (at[0] + side // 25, at[1] + side // 18), shadow)
        canvas.image.paste(layer.convert("RGB"), at, mask)


@dataclass(slots=True)
class Spots:
    """Damage: stains, scratches and cracks inside a region."""

    seed: int
    middle: tuple[float, float]
    size: float

    def paint(self, canvas: Canvas) -> None:
        """Draw a few blots and broken lines."""
        rng = random.Random(self.seed)
        scale = canvas.scale
        x, y = self.middle[0] * scale, self.middle[1] * scale
        for _ in range(rng.randint(1, 5)):
            radius = rng.uniform(2, self.size / 5) * scale
            at = (x + rng.uniform(-1, 1) * self.size * scale / 2, y + rng.uniform(-1, 1) * self.size * scale / 2)
            colour = rng.choice(((70, 50, 30), (120, 20, 20), (40, 40, 40), (190, 180, 150)))
            canvas.draw.ellipse(
                (at[0] - radius, at[1] - radius * 0.7, at[0] + radius, at[1] + radius * 0.7), fill=colour
            )
        points = [(x, y)]
        for _ in range(rng.randint(3, 9)):
            points.append((points[-1][0] + rng.uniform(-25, 25) * scale, points[-1][1] + rng.uniform(-25, 25) * scale))
        canvas.draw.line(points, fill=rng.choice(((20, 20, 20), (230, 230, 230))), width=max(1, round(scale * 1.5)))


@dataclass(slots=True)
class Lens:
    """The camera: uneven light, noise and blur over all that was drawn; comes last."""

    seed: int

    def paint(self, canvas: Canvas) -> None:
        """Replace the canvas by what the sensor saw."""
        canvas.image.paste(camera(canvas.image, random.Random(self.seed)))


def _start(page: Page) -> None:
    """A photo's format and its ground."""
    rng = page.rng
    page.photo = True
    page.height = rng.choice((480, 480, 270, 640, 360))
    colour = rng.choice(
        ((196, 160, 120), (120, 90, 66), (210, 206, 200), (160, 164, 170), (90, 88, 92), (226, 220, 204), vivid(rng))
    )
    page.ops.append(Ground(rng.randrange(1 << 30), colour, page.height))


def _lay(
    page: Page, shape: str | None = None, share: float | None = None, middle: tuple[float, float] | None = None
) -> None:
    rng = page.rng
    side = (share or rng.uniform(0.4, 0.95)) * min(WIDTH, page.height)
    at = middle or (rng.uniform(0.35, 0.65) * WIDTH, rng.uniform(0.35, 0.65) * page.height)
    page.ops.append(Lump(rng.randrange(1 << 30), shape or rng.choice(sorted(SHAPES)), at, side, rng.uniform(-40, 40)))


def _end(page: Page) -> None:
    page.ops.append(Lens(page.rng.randrange(1 << 30)))


def _print(page: Page, text: str, x: float, y: float, size: int, colour: Colour | None = None) -> None:
    """Letters on a thing."""
    page.text(x, y, text, size, colour or page.rng.choice((BLACK, WHITE, (180, 30, 30))), bold=True)


def thing_on_table(page: Page, words: Words) -> None:
    """One thing, nothing to read."""
    _start(page)
    _lay(page)
    _end(page)


def several_things(page: Page, words: Words) -> None:
    """Some of the same thing in a row."""
    _start(page)
    shape = page.rng.choice(sorted(SHAPES))
    count = page.rng.randint(2, 5)
    for index in range(count):
        _lay(page, shape, 0.75 / count + 0.2, ((index + 0.5) * WIDTH / count, page.height * page.rng.uniform(0.4, 0.6)))
    _end(page)


def damaged(page: Page, words: Words) -> None:
    """A thing with stains and cracks."""
    _start(page)
    _lay(page)
    for _ in range(page.rng.randint(1, 3)):
        middle = (page.rng.uniform(90, 270), page.rng.uniform(0.3, 0.7) * page.height)
        page.ops.append(Spots(page.rng.randrange(1 << 30), middle, page.rng.uniform(30, 110)))
    _end(page)


def printed_pack(page: Page, words: Words) -> None:
    """A package with large print on it."""
    product = words.product()
    _start(page)
    _lay(page, page.rng.choice(("pack", "box", "bottle", "book")), 0.95)
    x, y = page.rng.uniform(90, 140), page.rng.uniform(0.3, 0.5) * page.height
    _print(page, words.say("brands"), x, y, page.rng.choice((20, 28)))
    _print(page, product.noun, x + 6, y + 40, page.rng.choice((18, 24)))
    if words.chance(0.5):
        _print(page, words.pick("净含量：500g|生产日期见包装|限量版|草莓味|合格证|扫码验真"), x, y + 80, 12)
    _end(page)


def parcel_label(page: Page, words: Words) -> None:
    """A parcel with its waybill."""
    _start(page)
    _lay(page, "box", 1.1)
    top = page.height * 0.35
    page.fill(110, top, 262, top + 120, (250, 250, 248))
    page.text(118, top + 6, words.courier, 14, BLACK, bold=True)
    page.text(118, top + 30, words.number(3) + "-" + words.number(2), 20, BLACK, bold=True)
    page.text(118, top + 58, "收 " + words.address(), 9, BLACK, private=True, width=136)
    page.text(118, top + 74, "寄 " + words.city(), 9, BLACK, private=True)
    x = 118.0
    while x < 250:
        width = page.rng.uniform(1, 3)
        page.fill(x, top + 90, x + width, top + 114, BLACK)
        x += width + page.rng.uniform(1, 3)
    _end(page)


def close_up(page: Page, words: Words) -> None:
    """A texture seen near: cloth, wood, skin of a fruit."""
    _start(page)
    if words.chance(0.6):
        page.ops.append(Spots(page.rng.randrange(1 << 30), (180, page.height / 2), page.rng.uniform(60, 200)))
    _lay(page, share=1.9)
    _end(page)


def screen_of_a_device(page: Page, words: Words) -> None:
    """A phone or a machine whose display shows a few words."""
    _start(page)
    page.fill(80, 40, 280, page.height - 30, (20, 20, 22), 22)
    page.fill(90, 54, 270, page.height - 44, page.rng.choice(((240, 240, 244), (16, 18, 24))), 10)
    ink = page.theme.ink if page.rng.random() < 0.5 else (150, 150, 160)
    for index in range(page.rng.randint(2, 7)):
        page.text(
            100,
            70 + index * 26,
            words.pick(
                "有限保修", "到期日期", "序列号", "正在充电 80%", "E4", "请重试", "连接失败", "已激活", words.stamp()
            ),
            13,
            ink,
            width=160,
        )
    _end(page)


def open_box(page: Page, words: Words) -> None:
    """An open carton with things in it."""
    _start(page)
    page.fill(30, page.height * 0.15, 330, page.height * 0.9, (186, 146, 100))
    page.fill(52, page.height * 0.22, 308, page.height * 0.83, (140, 106, 70))
    for _ in range(page.rng.randint(1, 4)):
        _lay(page, share=page.rng.uniform(0.3, 0.6))
    _end(page)


def manual(page: Page, words: Words) -> None:
    """A leaf of paper: a manual, a card or a tag."""
    _start(page)
    page.fill(50, 30, 310, page.height - 30, (246, 244, 238))
    page.y = 50
    page.text(180, page.y, words.pick("使用说明书|保修卡|合格证|安装步骤|产品成分"), 20, BLACK, align="c", bold=True)
    page.y += 40
    for key, value in (
        ("品名", words.product().noun),
        ("型号", "K" + words.number(3)),
        ("执行标准", "GB" + words.number(5)),
        ("检验员", words.number(2)),
        ("生产日期", words.stamp(3000, "%Y%m%d")),
    ):
        page.text(70, page.y, f"{key}：{value}", 13, (40, 40, 40))
        page.y += 26
    _end(page)


def label_or_plate(page: Page, words: Words) -> None:
    """A nameplate, a washing label or a date stamp seen near."""
    _start(page)
    _lay(page, share=1.4)
    y = page.height * page.rng.uniform(0.2, 0.4)
    page.fill(70, y, 290, y + 130, page.rng.choice(((244, 244, 240), (206, 208, 212), (30, 30, 34))), 4)
    ink = page.rng.choice(((40, 40, 44), (150, 150, 156)))
    lines = [
        "型号 " + words.number(4),
        "额定电压 220V~ 50Hz",
        "生产日期 " + words.stamp(4000, "%Y%m%d"),
        "成分 棉95% 氨纶5%",
        "限用日期 " + words.stamp(-9000, "%Y/%m/%d"),
        "MADE IN CHINA",
        "批号 " + words.number(6),
        "S/N " + words.number(10),
        "净含量 500ml",
    ]
    for index, text in enumerate(page.rng.sample(lines, page.rng.randint(2, 4))):
        page.text(82, y + 12 + 28 * index, text, page.rng.choice((11, 13, 14)), ink)
    _end(page)


def measured(page: Page, words: Words) -> None:
    """A thing beside a ruler or on scales."""
    _start(page)
    _lay(page)
    if words.chance(0.5):
        y = page.height * page.rng.uniform(0.6, 0.85)
        page.fill(0, y, WIDTH, y + 34, (240, 214, 90))
        for mark in range(36):
            page.stroke((mark * 10, y), (mark * 10, y + (14 if mark % 5 == 0 else 8)), colour=BLACK)
            if mark % 5 == 0:
                page.text(mark * 10 + 1, y + 16, str(mark), 10, BLACK)
    else:
        page.fill(130, page.height - 70, 230, page.height - 36, (60, 80, 60), 4)
        _print(page, f"{page.rng.uniform(0.1, 9):.2f}kg", 145, page.height - 64, 20, (190, 240, 190))
    _end(page)


def installed_place(page: Page, words: Words) -> None:
    """A thing at its place: wall, floor, pipes, cables."""
    rng = page.rng
    _start(page)
    wall = vivid(rng)
    page.fill(0, 0, WIDTH, page.height * rng.uniform(0.4, 0.7), mix(wall, WHITE, 0.6))
    for _ in range(rng.randint(1, 4)):
        x = rng.uniform(20, 340)
        page.stroke(
            (x, 0),
            (x + rng.uniform(-60, 60), page.height / 2),
            (x + rng.uniform(-90, 90), page.height),
            colour=rng.choice((BLACK, WHITE, (150, 150, 150))),
            width=rng.uniform(2, 9),
        )
    _lay(page)
    if rng.random() < 0.4:
        _lay(page, share=0.35)
    _end(page)


def stack_of_parcels(page: Page, words: Words) -> None:
    """Cartons with tape, some with print."""
    _start(page)
    for index in range(page.rng.randint(2, 4)):
        x, y = page.rng.uniform(10, 120), page.height * (0.1 + 0.22 * index)
        page.fill(x, y, x + 210, y + page.height * 0.24, mix((190, 150, 100), BLACK, 0.08 * index))
        page.fill(x + 90, y, x + 112, y + page.height * 0.24, (222, 200, 160))
        if words.chance(0.5):
            _print(
                page,
                words.pick("易碎品", "小心轻放", "此面向上", "生鲜", words.courier),
                x + 16,
                y + 12,
                15,
                (150, 40, 30),
            )
    _end(page)
