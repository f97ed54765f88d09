"""The panel where colour, size or set is chosen."""

from __future__ import annotations

from kdsl.world.screens.page import WIDTH, Page
from kdsl.world.screens.product_page import main_image
from kdsl.world.screens.words import Product, Words


def _options(page: Page, words: Words, product: Product, *, rows: bool = False) -> None:
    for key, values in product.options.items():
        many = (
            list(values)
            if not rows
            else [f"{product.noun}{value}{words.pick('|【热卖】|(送运费险)|*2件')}" for value in values * 2]
        )
        page.heading(f"{key}{words.pick('', f'({len(many)})')}", words.pick("||查看尺码>|大图"))
        page.chips(many, page.rng.choice((None, 0, len(many) - 1)))


def _count(page: Page, words: Words) -> None:
    page.pair(f"数量{words.pick('|(限购1件)|(限购0件)|(限购999件)')} {words.pick('有货|有货|缺货|')}", "- 1 +")


def option_sheet(page: Page, words: Words) -> None:
    """The panel of options over a darkened product page."""
    product = words.product()
    page.status_bar()
    main_image(page, words, product, 300)
    with page.sheet(page.rng.uniform(60, 200), ""):
        page.y -= 16
        top = page.y
        page.thing(18, top, 98, top + 80, product.thing)
        page.text(
            110,
            top + 4,
            f"{words.pick('补贴后|券后||实付')}{words.price(product.price)}",
            18,
            page.theme.accent,
            bold=True,
        )
        page.text(
            110,
            top + 30,
            words.pick(
                f"百亿补贴{page.rng.randint(20, 600)}元", f"优惠前{words.price(product.price * 1.2)}", "共减¥28.2>"
            ),
            12,
            page.theme.accent,
        )
        page.text(110, top + 52, f"已选：{product.spec}", 12, width=220)
        page.y = top + 92
        if words.chance(0.6):
            page.note("·".join(words.some("买贵必赔|7天无理由退货|退货运费险|假一赔四|极速退款", 2, 3)))
        if words.chance(0.25):
            page.pair("购买方式 立即购买", f"以旧换新 最高抵{page.rng.randint(100, 3000)}元")
        _options(page, words, product, rows=words.chance(0.3))
        _count(page, words)
        if words.chance(0.55):
            page.heading("服务保障", "更多服务>")
            for name in words.some(
                "天猫全面保修 一年￥100.00|天猫延长保修 七年￥108.00|天猫只换不修 180天￥3.00|"
                "天猫全保换新 二年￥226.90",
                1,
                3,
            ):
                page.note(name, colour=page.theme.ink)
        if words.chance(0.4):
            page.heading("分期付款")
            page.note("花呗分期 3期免息  招商银行信用卡  交通银行信用卡")
    page.centred(
        page.height - 82,
        words.pick("48小时内发货|3天内发货|晚九点前付款，后天到，晚到必赔|7天内发货|"),
        11,
        page.theme.muted,
    )
    page.foot_buttons(words.pick("立即购买|加入购物车|加入购物车,立即购买|已到购买件数上限|确定").split(","))


def option_list(page: Page, words: Words) -> None:
    """A long list of choices, one per row with thumbnail and price."""
    product = words.product()
    page.status_bar()
    with page.sheet(70, ""):
        page.y -= 10
        page.text(
            18,
            page.y,
            words.pick("折后|补贴后|券后") + f"{words.price(product.price)} 优惠前{words.price(product.price * 1.3)}",
            16,
            page.theme.accent,
            bold=True,
        )
        page.y += 28
        key = words.pick("颜色分类|口味|规格|套餐类型|款式")
        count = page.rng.randint(5, 34)
        page.pair(f"{key}({count})", words.pick("大图|列表"))
        values = [value for options in product.options.values() for value in options]
        for _ in range(min(count, 9)):
            page.thing(18, page.y, 54, page.y + 36, product.thing)
            page.text(
                64,
                page.y + 11,
                words.pick("新升级-||【热销】|") + page.rng.choice(values) + words.pick("|(送礼品)|2件装|-A款"),
                13,
                width=200,
            )
            page.text(
                WIDTH - 20,
                page.y + 11,
                words.price(product.price * page.rng.uniform(0.7, 1.6)),
                12,
                page.theme.accent,
                align="r",
            )
            page.y += 44
        _count(page, words)
    page.foot_buttons(words.pick("加入购物车|立即购买|加入购物车,立即购买").split(","))


def option_page(page: Page, words: Words) -> None:
    """选择规格 as a page of its own."""
    product = words.product()
    page.status_bar()
    main_image(page, words, product, 280)
    page.heading(f"  {words.price(product.price)} {words.pick('折后价|')}", "")
    page.note(words.pick("3天内发货|48小时内发货"))
    page.heading(words.pick("选择规格|选择颜色分类|请选择规格"))
    values = list(product.options.values())
    both = [f"{first} {second}" for first in values[0] for second in (values[1] if len(values) > 1 else [""])]
    page.chips(both[:9], 0)
    _count(page, words)
    page.foot_buttons(["立即购买"])


def option_other_app(page: Page, words: Words) -> None:
    """Options with few words: name, choices, a button."""
    product = words.product()
    page.status_bar()
    main_image(page, words, product, 220)
    with page.sheet(170, words.pick("|请选择")):
        page.heading(words.price(product.price), words.pick("库存充足|仅剩14件|有货"), colour=page.theme.accent)
        page.note("请选择：" + " ".join(product.options))
        _options(page, words, product)
        _count(page, words)
    page.foot_buttons(["确定"])


def option_close_up(page: Page, words: Words) -> None:
    """Only the middle of the panel, as users cut it."""
    product = words.product()
    page.height = page.rng.randint(300, 520)
    page.fill(0, 0, WIDTH, page.height, page.theme.card)
    page.y = 12
    _options(page, words, product, rows=words.chance(0.6))
    _count(page, words)
    page.heading("服务保障", "更多服务>")
    page.note("天猫全面保修  天猫延长保修  性能/意外故障，免费维修", colour=page.theme.ink)


def sold_out_options(page: Page, words: Words) -> None:
    """Options of which some are gone."""
    product = words.product()
    option_sheet(page, words)
    page.centred(
        page.height - 100, words.pick("已选规格缺货|该规格已售罄，可选择其他规格|到货通知"), 12, page.theme.accent
    )
    page.foot_buttons([words.pick("到货提醒|缺货|已售罄"), "找相似"])
    if not product.options:
        page.gap()


def trade_in_options(page: Page, words: Words) -> None:
    """The panel with ways to buy: outright, trade-in, by instalments."""
    product = words.product()
    page.status_bar()
    main_image(page, words, product, 240)
    with page.sheet(page.rng.uniform(90, 180), ""):
        page.goods(product, count=None)
        page.heading("购买方式")
        page.chips(["立即购买", f"以旧换新 最高抵{page.rng.randint(100, 3000)}元"], 0)
        _options(page, words, product)
        page.heading("分期付款")
        page.chips([f"¥{product.price / months:.2f}x{months}期 免手续费" for months in (3, 6)], 0)
        _count(page, words)
    page.foot_buttons(["加入购物车", "立即购买"])


def size_helper(page: Page, words: Words) -> None:
    """Sizes with advice: height and weight, a size assistant."""
    page.status_bar()
    page.thing(0, page.y, WIDTH, 220, "shirt")
    with page.sheet(150, ""):
        page.heading(f"券后{words.price()}", "图集", colour=page.theme.accent)
        page.note(words.pick("请选择 颜色分类 尺码|已选：白色;M"))
        page.heading(f"颜色分类({page.rng.randint(2, 12)})")
        page.chips(page.rng.sample(["白色", "黑色", "浅灰", "藏青", "豆绿", "焦糖", "酒红"], 5), 1)
        page.heading("尺码", "尺码助手>")
        page.chips(["S[85-95斤]", "M[95-110斤]", "L[110-120斤]", "XL[120-135斤]"], page.rng.choice((None, 1)))
        _count(page, words)
    page.foot_buttons([words.pick("加入购物车|立即购买|确定")])


def picture_options(page: Page, words: Words) -> None:
    """Choices as a grid of pictures with names and prices."""
    product = words.product()
    page.status_bar()
    page.thing(0, page.y, WIDTH, 150, product.thing)
    with page.sheet(page.rng.uniform(90, 160), words.pick("|选择款式|请选择规格")):
        page.pair(words.price(product.price), words.pick("已选：|库存充足 已选 ") + product.spec)
        key, values = next(iter(product.options.items()))
        page.heading(f"{key}({len(values)})", words.pick("列表|大图模式"))
        labels = [f"{value} {words.price()}" for value in values]
        page.tiles(len(values), labels=labels)
        page.pair(words.pick("购买数量|数量"), "-  1  +")
    page.foot_buttons(words.pick("加入购物车,立即购买|确定|确认").split(","))


def set_and_service_options(page: Page, words: Words) -> None:
    """Many groups of choices: colour, set, warranty, installation, instalments."""
    product = words.product()
    page.status_bar()
    page.y = 40
    page.goods(product, price=False, count=None)
    page.left, page.right = 18, WIDTH - 18
    for key, values in [
        *product.options.items(),
        ("套餐类型", ["官方标配", "套餐一", "套餐二", "套餐三"]),
        (words.pick("增值服务|保障服务"), ["无", "碎屏险1年¥99", "延保2年", "只换不修"]),
        (words.pick("花呗分期|分期"), ["不分期", "3期免息", "6期", "12期"]),
    ][: page.rng.randint(3, 5)]:
        page.heading(key, words.pick("|尺码助手|说明"))
        page.chips(values, page.rng.choice((None, 0, 1)))
    page.pair("数量", words.pick("- 1 +|有货 - 2 +|仅剩3件 - 1 +"))
    page.foot_buttons(words.pick("加入购物车,立即购买|领券购买|确定,取消").split(","))


def size_rows(page: Page, words: Words) -> None:
    """Sizes as rows with stock and a quantity for each, as wholesale pages list them."""
    product = words.product()
    with page.sheet(page.rng.uniform(60, 180), words.pick("选择规格|选择商品|选规格")):
        page.goods(product)
        key, values = page.rng.choice(sorted(product.options.items()))
        page.heading(key, words.pick("全部|有货"))
        for value in (values * 2)[: page.rng.randint(5, 8)]:
            page.text(page.left, page.y + 8, f"{value}{words.pick('|【新款】|/均码')}", 14, width=130)
            page.text(190, page.y + 9, words.price(), 13, page.theme.accent, align="c")
            page.text(page.right, page.y + 9, words.pick("-  0  +|-  1  +|缺货|到货提醒"), 13, align="r")
            page.y += 38
    page.foot_buttons([f"已选{page.rng.randint(1, 5)}件", words.pick("立即订购|确定|加入购物车")])


def menu_options(page: Page, words: Words) -> None:
    """Choices of a date, a ticket, a flavour or a plan on a page of their own."""
    kind = page.rng.randrange(3)
    page.title_bar(words.pick(*(("选择场次", "选择票档"), ("选规格", "选口味"), ("选择套餐", "选择版本"))[kind]))
    groups = (
        {
            "场次": ["周五 19:30", "周六 14:00", "周日 19:30"],
            "票档": ["280元", "480元(缺货登记)", "880元"],
            "数量": ["1张", "2张"],
        },
        {"份量": ["小份", "大份", "双人份"], "口味": ["微辣", "中辣", "不辣"], "加料": ["加蛋 +2", "珍珠 +1", "不加"]},
        {"版本": ["基础版", "专业版", "企业版"], "时长": ["1个月", "季卡", "年卡", "永久"], "账号": ["新开", "续费"]},
    )[kind]
    for key, values in groups.items():
        with page.card():
            page.heading(key, words.pick("|必选"))
            page.chips(values, page.rng.choice((0, 1)))
    page.foot_buttons([words.pick("选好了", "确定", f"{words.price()} 下一步")])
