"""The top of a product page: main image, price band, what follows it."""

from __future__ import annotations

from kdsl.world.screens.page import WIDTH, Page
from kdsl.world.screens.product_pictures import vivid
from kdsl.world.screens.theme import BLACK, WHITE, mix
from kdsl.world.screens.toolkit import PRODUCT_TABS
from kdsl.world.screens.words import Product, Words


def main_image(page: Page, words: Words, product: Product, bottom: float, *, slogan: bool = True) -> None:
    """The picture that fills the top of a product page, with its counter and slogans."""
    page.thing(0, page.y, WIDTH, bottom, product.thing)
    if slogan:
        for _ in range(page.rng.randint(0, 4)):
            text = words.pick(product.noun, *words.book["slogans"])
            y = page.rng.uniform(page.y + 30, bottom - 50)
            page.text(page.rng.uniform(10, 230), y, text, page.rng.choice((16, 20, 26)), vivid(page.rng), bold=True)
    page.text(WIDTH - 16, bottom - 24, words.pick("1/5|1/4|1/6|2/5|1/9"), 11, WHITE, align="r")
    page.y = bottom


def price_band(page: Page, words: Words, product: Product) -> None:
    """The price strip: subsidy, coupons, sales."""
    before = product.price * page.rng.uniform(1.05, 1.4)
    label = words.pick("补贴后|券后|到手价|活动价|折后|")
    if words.chance(0.45):
        page.fill(0, page.y, WIDTH, page.y + 54, page.theme.accent)
        page.text(12, page.y + 8, f"{label}{words.price(product.price)}", 21, WHITE, bold=True)
        page.text(12, page.y + 34, f"优惠前{words.price(before)}", 11, (255, 225, 215))
        page.text(WIDTH - 12, page.y + 10, words.pick("百亿补贴|618|天猫618|限时秒杀"), 17, WHITE, align="r", bold=True)
        page.text(
            WIDTH - 12,
            page.y + 34,
            words.pick("全网低价 售后无忧", "百亿补贴卖出上百万件", words.sold()),
            11,
            WHITE,
            align="r",
        )
        page.y += 58
        page.pair(
            f"¥{round(before - product.price)} {words.pick('百亿补贴部分规格能用|百亿补贴下单就减')}",
            words.pick("限享1次|先到先得"),
        )
    else:
        page.text(
            12,
            page.y + 8,
            f"{label}{words.price(product.price)}{words.pick('|起')} 优惠前{words.price(before)}",
            16,
            page.theme.accent,
            bold=True,
        )
        page.text(WIDTH - 12, page.y + 10, words.sold(), 11, page.theme.muted, align="r")
        page.y += 32
        page.note(
            "  ".join(
                words.some("官方立减12.3元|花呗满减|店铺券满80减8|淘金币可抵2.1元|每300减50|首单立刻降3元", 1, 3)
            ),
            colour=page.theme.accent,
        )


def under_image(page: Page, words: Words, product: Product) -> None:
    """Title, promises and delivery, as they follow the price."""
    page.y += (
        page.paragraph(12, page.y + 2, product.title, 16, width=330, most=2, bold=True, private=words.chance(0.6)) + 8
    )
    rows = [
        words.pick("百亿补贴·保证正品 假一赔十", '大家评价"正品"', "我买过的宝贝", "一周内100+人已买"),
        words.pick("两天内发货，大概后天能到|预售，15天内发货|3天内发货|5天内发货")
        + "  "
        + words.city()
        + " 快递:免运费",
        "·".join(words.some("退货运费险|7天无理由退货|极速退款|破损包退|买贵必赔", 2, 3)),
        words.pick("开通88VIP，退货不用付运费|开卡后退货运费全都包") + " 去开通",
    ]
    for row in words.some(rows, 2, 4):
        page.note(row, size=13)


def product_top(page: Page, words: Words) -> None:
    """A product page at its very top."""
    product = words.product()
    page.status_bar()
    main_image(page, words, product, page.rng.uniform(340, 440))
    if words.chance(0.5):
        page.text(120, page.y - 24, words.pick("视频 图集 款式|图集 款式"), 12, WHITE)
    if words.chance(0.3):
        page.text(14, page.y - 46, "官方精选  正品带票  放心售后", 15, WHITE, bold=True)
    if words.chance(0.4):
        for index in range(6):
            page.thing(12 + 48 * index, page.y + 4, 54 + 48 * index, page.y + 46, product.thing)
        page.text(WIDTH - 30, page.y + 18, "款式 选择", 12, align="c")
        page.y += 52
    price_band(page, words, product)
    under_image(page, words, product)
    if words.chance(0.35):
        page.fill(0, page.height - 92, WIDTH, page.height - 62, (80, 80, 84))
        page.text(16, page.height - 84, "这件商品下架了，去看看别的吧", 13, WHITE)
    page.buy_bar(
        words.pick("加入购物车,领券购买|加入购物车,立即购买|立即购买").split(","),
        words.pick("店铺,客服,收藏|百补频道,客服|店铺,客服,已收藏").split(","),
    )


def image_alone(page: Page, words: Words) -> None:
    """The main image cut out: the object and some slogans."""
    product = words.product()
    page.height = page.rng.randint(300, 460)
    page.photo = True
    main_image(page, words, product, page.height)


def image_viewer(page: Page, words: Words) -> None:
    """The main image in a black viewer."""
    product = words.product()
    page.fill(0, 0, WIDTH, page.height, (0, 0, 0))
    page.y = page.height * 0.24
    page.centred(40, f"{page.rng.randint(1, 5)}/{page.rng.randint(5, 9)}", 14, WHITE)
    main_image(page, words, product, page.y + WIDTH)


def poster_top(page: Page, words: Words) -> None:
    """A festival poster as the main image."""
    product = words.product()
    page.status_bar()
    bottom = page.rng.uniform(360, 430)
    page.gradient(page.y, bottom, vivid(page.rng), vivid(page.rng))
    page.thing(90, page.y + 70, 270, page.y + 250, product.thing)
    page.centred(page.y + 18, words.pick("年中狂欢节|天猫618|双11狂欢节|开门红|超级品牌日"), 25, WHITE, bold=True)
    page.centred(page.y + 52, "活动时间：" + words.stamp(0, "%-m月%-d日"), 13, WHITE)
    page.text(20, bottom - 70, words.pick("到手价|88VIP券后价不高于|限时价"), 14, WHITE)
    page.text(20, bottom - 50, words.price(product.price), 30, WHITE, bold=True)
    page.text(WIDTH - 16, bottom - 28, "1/5", 11, WHITE, align="r")
    page.y = bottom
    price_band(page, words, product)
    under_image(page, words, product)
    page.buy_bar(["加入购物车", words.pick("立即购买|领券购买")])


def video_top(page: Page, words: Words) -> None:
    """The main image with the play button of its video."""
    product = words.product()
    page.status_bar()
    main_image(page, words, product, page.rng.uniform(400, 520), slogan=False)
    page.oval(WIDTH / 2, page.y - 200, 28, (60, 60, 60))
    page.text(WIDTH / 2 + 2, page.y - 212, "▶", 22, WHITE, align="c")
    page.text(20, page.y - 24, words.pick("视频 图集|直播讲解|直播中 宝贝讲解"), 12, WHITE)
    price_band(page, words, product)
    under_image(page, words, product)
    page.buy_bar(["加购物车", "立即购买"])


def collage_top(page: Page, words: Words) -> None:
    """A main image made of several shots with a slogan band."""
    product = words.product()
    page.status_bar()
    for index in range(4):
        left, top = 180 * (index % 2), page.y + 190 * (index // 2)
        page.thing(left, top, left + 178, top + 188, product.thing)
    band = vivid(page.rng)
    page.fill(0, page.y + 330, WIDTH, page.y + 380, band)
    page.text(14, page.y + 342, " ".join(page.rng.sample(words.book["slogans"], 3)), 19, WHITE, bold=True)
    page.y += 384
    price_band(page, words, product)
    under_image(page, words, product)
    page.buy_bar(["加入购物车", "立即购买"])


def countdown_top(page: Page, words: Words) -> None:
    """The main image with a flash sale's countdown."""
    product = words.product()
    page.status_bar()
    main_image(page, words, product, page.rng.uniform(380, 460))
    page.fill(0, page.y, WIDTH, page.y + 50, page.theme.accent)
    page.text(12, page.y + 14, f"秒杀价{words.price(product.price)}", 20, WHITE, bold=True)
    clock = f"{page.rng.randint(0, 23):02d}:{page.rng.randint(0, 59):02d}:{page.rng.randint(0, 59):02d}"
    page.text(WIDTH - 12, page.y + 17, words.pick("距结束 |距开抢 ") + clock, 14, WHITE, align="r")
    page.y += 56
    under_image(page, words, product)
    page.buy_bar([words.pick("立即抢购|提醒我|立即购买")], ("店铺", "客服"))


def gone_top(page: Page, words: Words) -> None:
    """The main image of a product that is sold out or withdrawn."""
    product = words.product()
    page.status_bar()
    main_image(page, words, product, page.rng.uniform(380, 440), slogan=False)
    page.heading(f"  {words.price(product.price)}", words.sold())
    under_image(page, words, product)
    page.fill(0, page.height - 92, WIDTH, page.height - 62, (80, 80, 84))
    page.text(
        16,
        page.height - 84,
        words.pick("宝贝已经卖光啦，看看相似的吧|商品已下架，去看看别的|该地区暂不发货"),
        13,
        WHITE,
    )
    page.buy_bar([words.pick("找相似|到货提醒|立即购买")])


def live_price_top(page: Page, words: Words) -> None:
    """The main image with a search field over it, tabs of the page, and a live window."""
    product = words.product()
    page.search_bar(words.pick(product.noun, "搜索店内宝贝"), words.pick("搜索|分享|"))
    if words.chance(0.5):
        page.tabs(PRODUCT_TABS, 0)
    main_image(page, words, product, page.y + page.rng.uniform(320, 400))
    page.fill(WIDTH - 92, page.y - 130, WIDTH - 10, page.y - 20, (60, 60, 64), 8)
    page.text(WIDTH - 51, page.y - 44, words.pick("直播中|讲解中|看讲解"), 12, WHITE, align="c")
    price_band(page, words, product)
    under_image(page, words, product)
    page.buy_bar(words.pick("加入购物车,立即购买|加购,到手价购买|到店自提,立即购买").split(","))


def gift_poster(page: Page, words: Words) -> None:
    """A main image that is mostly a poster: price bubble, gifts, a date."""
    product = words.product()
    page.height = page.rng.randint(340, 400)
    page.photo = True
    ground = vivid(page.rng)
    page.fill(0, 0, WIDTH, page.height, mix(ground, WHITE, 0.6))
    page.text(14, 14, words.say("brands") + words.pick("官方旗舰|| 原厂正品"), 15, ground)
    page.text(14, 40, product.title[:12], 24, BLACK, bold=True)
    page.text(14, 76, " | ".join(words.few("gifts", 1, 2)), 13, ground)
    page.thing(70, 100, 300, page.height - 70, product.thing)
    page.y = page.height - 56
    page.band(
        words.pick("到手价|限时|活动价|券后") + words.price(product.price) + "  " + words.say("gifts"), ground, 56
    )


def saved_main_picture(page: Page, words: Words) -> None:
    """The main image in the viewer with the menu that a long press opens."""
    product = words.product()
    page.fill(0, 0, WIDTH, page.height, BLACK)
    page.y = 110
    main_image(page, words, product, 470)
    with page.sheet(page.height - 200, "", close=False):
        page.y -= 14
        for text in words.some("保存图片|发送给朋友|识图找同款|分享主图|添加到表情|取消", 3, 4):
            page.centre(text, 16)
            page.gap(8)


def group_price_top(page: Page, words: Words) -> None:
    """The main image with the price of a limited-time or trial channel."""
    product = words.product()
    page.status_bar()
    main_image(page, words, product, 340)
    colour = page.rng.choice(((240, 60, 60), (130, 60, 220), (250, 110, 20), (20, 150, 90)))
    channel = words.pick("聚划算|淘特|天天特卖|淘宝秒杀|U先试用|天猫超市|预售")
    page.band(
        f"{channel}  {words.price(product.price)}  {words.pick('距结束 01:23:45|已抢82%|付定金立减')}", colour, 46
    )
    page.note("  " + product.title, size=15, colour=page.theme.ink)
    page.note("  " + " · ".join(words.few("shop_lines", 2, 3)))
    page.pair(words.pick("选择|发货|保障"), words.pick("请选择颜色分类", words.city() + " 快递包邮", "假一赔四") + ">")
    page.buy_bar(words.pick("马上抢|立即付定金|单独购买,立即参团|加入购物车,立即购买").split(","))
