"""More of a product: its main picture, its details, its choices, and what buyers say."""

from __future__ import annotations

from kdsl.data.world.screens.blocks import band, bubble, centre, choices, icons, rows, sections, tiles
from kdsl.data.world.screens.details import DETAIL
from kdsl.data.world.screens.options import OPTIONS
from kdsl.data.world.screens.page import WIDTH, Page
from kdsl.data.world.screens.panels import sheet
from kdsl.data.world.screens.product_page import HEAD, main_image, price_band, under_image
from kdsl.data.world.screens.registry import family
from kdsl.data.world.screens.reviews import REVIEWS, review
from kdsl.data.world.screens.theme import BLACK, WHITE, mix
from kdsl.data.world.screens.things import vivid
from kdsl.data.world.screens.toolkit import (
    button,
    buttons,
    buy_bar,
    chips,
    foot_buttons,
    goods,
    heading,
    note,
    pair,
    search_bar,
    stars,
    status_bar,
    tabs,
    title_bar,
)


@family(HEAD)
def live_price_top(page: Page) -> None:
    """The main image with a search field over it, tabs of the page, and a live window."""
    words = page.words
    product = words.product()
    search_bar(page, words.pick(product.noun, "搜索店内宝贝"), words.pick("搜索", "分享", ""))
    if words.chance(0.5):
        tabs(page, ["宝贝", "评价", "详情", "推荐"], 0)
    main_image(page, product, page.y + page.rng.uniform(320, 400))
    page.fill(WIDTH - 92, page.y - 130, WIDTH - 10, page.y - 20, (60, 60, 64), 8)
    page.text(WIDTH - 51, page.y - 44, words.pick("直播中", "讲解中", "看讲解"), 12, WHITE, align="c")
    price_band(page, product)
    under_image(page, product)
    buy_bar(page, words.pick("加入购物车,立即购买", "加购,到手价购买", "到店自提,立即购买").split(","))


@family(HEAD)
def gift_poster(page: Page) -> None:
    """A main image that is mostly a poster: price bubble, gifts, a date."""
    words = page.words
    product = words.product()
    page.height = page.rng.randint(340, 400)
    page.photo = True
    ground = vivid(page.rng)
    page.fill(0, 0, WIDTH, page.height, mix(ground, WHITE, 0.6))
    page.text(14, 14, words.rng.choice(words.book["brands"]) + words.pick("官方旗舰", "", " 原厂正品"), 15, ground)
    page.text(14, 40, product.title[:12], 24, BLACK, bold=True)
    page.text(14, 76, " | ".join(words.few("gifts", 1, 2)), 13, ground)
    page.thing(70, 100, 300, page.height - 70, product.thing)
    page.y = page.height - 56
    band(
        page,
        words.pick("到手价", "限时", "活动价", "券后") + words.price(product.price) + "  " + words.say("gifts"),
        ground,
        56,
    )


@family(HEAD)
def saved_main_picture(page: Page) -> None:
    """The main image in the viewer with the menu that a long press opens."""
    words = page.words
    product = words.product()
    page.fill(0, 0, WIDTH, page.height, BLACK)
    page.y = 110
    main_image(page, product, 470)
    with sheet(page, page.height - 200, "", close=False):
        page.y -= 14
        for text in words.some(["保存图片", "发送给朋友", "识图找同款", "分享主图", "添加到表情", "取消"], 3, 4):
            centre(page, text, 16)
            page.gap(8)


@family(HEAD)
def group_price_top(page: Page) -> None:
    """The main image with the price of a limited-time or trial channel."""
    words = page.words
    product = words.product()
    status_bar(page)
    main_image(page, product, 340)
    colour = page.rng.choice(((240, 60, 60), (130, 60, 220), (250, 110, 20), (20, 150, 90)))
    channel = words.pick("聚划算", "淘特", "天天特卖", "淘宝秒杀", "U先试用", "天猫超市", "预售")
    band(
        page,
        f"{channel}  {words.price(product.price)}  {words.pick('距结束 01:23:45', '已抢82%', '付定金立减')}",
        colour,
        46,
    )
    note(page, "  " + product.title, size=15, colour=page.theme.ink)
    note(page, "  " + " · ".join(words.few("shop_lines", 2, 3)))
    pair(
        page,
        words.pick("选择", "发货", "保障"),
        words.pick("请选择颜色分类", words.city() + " 快递包邮", "假一赔四") + ">",
    )
    buy_bar(page, words.pick("马上抢", "立即付定金", "单独购买,立即参团", "加入购物车,立即购买").split(","))


@family(DETAIL)
def instruction_page(page: Page) -> None:
    """How the thing is used: numbered steps with pictures."""
    words = page.words
    product = words.product()
    page.photo = words.chance(0.4)
    page.fill(0, 0, WIDTH, page.height, mix(vivid(page.rng), WHITE, 0.88))
    page.y = 16
    ink = (50, 50, 56)
    centre(page, words.pick("使用方法", "安装步骤", "食用方法", "清洗保养", "操作说明", "冲泡指南"), 24, ink, bold=True)
    centre(page, words.pick("HOW TO USE", "简单三步轻松搞定", "STEP BY STEP"), 12, (130, 130, 136))
    steps = [
        "打开包装检查配件",
        "清水冲洗擦干",
        "接通电源长按开机",
        "取适量涂抹按摩",
        "拧紧螺丝固定",
        "静置五分钟即可",
        "每日两次饭后服用",
    ]
    for index, text in enumerate(page.rng.sample(steps, page.rng.randint(3, 4))):
        page.thing(20, page.y, 130, page.y + 100, product.thing)
        page.text(150, page.y + 14, f"0{index + 1}", 22, page.theme.accent, bold=True)
        page.text(150, page.y + 50, text, 15, ink)
        page.y += 114
    note(
        page,
        words.pick("注意事项：请避免阳光直射，置于儿童不易触及处", "温馨提示：手工测量误差1-3cm属正常"),
        colour=ink,
    )


@family(DETAIL)
def comparison_table(page: Page) -> None:
    """Ours against others, or models against each other."""
    words = page.words
    product = words.product()
    page.y = 14
    centre(page, words.pick("产品对比", "为什么选择我们", "型号对比", "规格参数", "实力看得见"), 22, bold=True)
    heads = words.pick("参数,标准款,升级款", "项目,本品,普通" + product.noun, "型号,A款,B款").split(",")
    names = [
        "材质",
        "重量",
        "功率",
        "容量",
        "质保",
        "产地",
        "净含量",
        "保质期",
        "厚度",
        "适用面积",
        "包装清单",
        "执行标准",
        "储存方法",
    ]
    left, step = 14, (WIDTH - 28) / 3
    for row, name in enumerate(["", *page.rng.sample(names, page.rng.randint(6, 10))]):
        cells = (
            heads
            if not name
            else [
                name,
                words.pick("加厚", words.number(2), "一年", "食品级", "√"),
                words.pick("普通", words.number(2), "×", "无"),
            ]
        )
        for column, text in enumerate(cells):
            x = left + step * column
            back = mix(page.theme.accent, WHITE, 0.7) if row == 0 else page.theme.card
            page.fill(x, page.y, x + step - 1, page.y + 35, back)
            page.text(x + step / 2, page.y + 10, text, 13, BLACK if row == 0 else None, align="c", width=step - 8)
        page.y += 36
    page.gap()
    note(page, "  *数据来自实验室，实际因使用环境有差异")


@family(DETAIL)
def promises_and_faq(page: Page) -> None:
    """Below the pictures: promises, price notes, questions, delivery."""
    words = page.words
    if words.chance(0.6):
        tabs(page, ["宝贝", "评价", "详情", "推荐"], 2)
    for title, text in page.rng.sample(
        [
            ("价格说明", "划线价为商品的参考价，并非原价；未划线价为实时标价，具体成交价以结算页为准。"),
            ("关于发货", "默认48小时内发出，预售以页面标注时间为准，偏远地区运费请咨询客服。"),
            ("关于色差", "商品均为实物拍摄，受光线与显示器影响，颜色以实物为准。"),
            ("关于退换", "签收7天内保持吊牌完好、不影响二次销售可退换，定制类除外。"),
            ("关于快递", "默认发中通圆通，不指定快递，签收前请当面验货。"),
            ("质保说明", "整机一年、主要部件三年，凭购买记录享受售后。"),
            ("食用提示", "开封后冷藏保存并尽快食用，过敏体质慎用。"),
            ("配送安装", "送货入户，安装辅材由师傅现场报价。"),
        ],
        5,
    ):
        with page.card():
            sections(page, (title, text))
    buy_bar(page, ["加入购物车", "立即购买"])


@family(DETAIL)
def detail_with_tabs(page: Page) -> None:
    """The details part of the page under its tabs: highlights, pictures, certificates."""
    words = page.words
    product = words.product()
    tabs(page, words.pick("宝贝,评价,详情,推荐", "商品,参数,详情,同款").split(","), 2)
    with page.card():
        heading(page, words.pick("宝贝详情", "图文详情", "商品介绍", "亮点"))
        for key, values in product.options.items():
            pair(page, key, "/".join(values))
        pair(page, "品牌", page.rng.choice(words.book["brands"]))
        pair(page, words.pick("产地", "货号", "上市时间"), words.pick("中国大陆", "A" + words.number(5), "2024年秋季"))
    page.thing(0, page.y, WIDTH, page.y + 230, product.thing)
    page.text(
        20,
        page.y + 20,
        product.noun + words.pick("细节展示", "实拍", "场景图", "面料解析", "质检报告"),
        20,
        WHITE,
        bold=True,
    )
    page.y += 240
    centre(page, words.pick("甄选好料 用心制造", "细节见真章", "一处细节，多重守护", "品质源于热爱"), 18, bold=True)
    tiles(page, 2, columns=2, labels=["细节一", words.pick("细节二", "侧面", "内部")])
    buy_bar(page, ["加入购物车", "立即购买"])


@family(OPTIONS)
def picture_options(page: Page) -> None:
    """Choices as a grid of pictures with names and prices."""
    words = page.words
    product = words.product()
    status_bar(page)
    page.thing(0, page.y, WIDTH, 150, product.thing)
    with sheet(page, page.rng.uniform(90, 160), words.pick("", "选择款式", "请选择规格")):
        pair(page, words.price(product.price), words.pick("已选：", "库存充足 已选 ") + product.spec)
        key, values = next(iter(product.options.items()))
        heading(page, f"{key}({len(values)})", words.pick("列表", "大图模式"))
        labels = [f"{value} {words.price()}" for value in values]
        tiles(page, len(values), labels=labels)
        pair(page, words.pick("购买数量", "数量"), "-  1  +")
    foot_buttons(page, words.pick("加入购物车,立即购买", "确定", "确认").split(","))


@family(OPTIONS)
def set_and_service_options(page: Page) -> None:
    """Many groups of choices: colour, set, warranty, installation, instalments."""
    words = page.words
    product = words.product()
    status_bar(page)
    page.y = 40
    goods(page, product, price=False, count=None)
    page.left, page.right = 18, WIDTH - 18
    for key, values in [
        *product.options.items(),
        ("套餐类型", ["官方标配", "套餐一", "套餐二", "套餐三"]),
        (words.pick("增值服务", "保障服务"), ["无", "碎屏险1年¥99", "延保2年", "只换不修"]),
        (words.pick("花呗分期", "分期"), ["不分期", "3期免息", "6期", "12期"]),
    ][: page.rng.randint(3, 5)]:
        heading(page, key, words.pick("", "尺码助手", "说明"))
        chips(page, values, page.rng.choice((None, 0, 1)))
    pair(page, "数量", words.pick("- 1 +", "有货 - 2 +", "仅剩3件 - 1 +"))
    foot_buttons(page, words.pick("加入购物车,立即购买", "领券购买", "确定,取消").split(","))


@family(OPTIONS)
def size_rows(page: Page) -> None:
    """Sizes as rows with stock and a quantity for each, as wholesale pages list them."""
    words = page.words
    product = words.product()
    with sheet(page, page.rng.uniform(60, 180), words.pick("选择规格", "选择商品", "选规格")):
        goods(page, product)
        key, values = page.rng.choice(sorted(product.options.items()))
        heading(page, key, words.pick("全部", "有货"))
        for value in (values * 2)[: page.rng.randint(5, 8)]:
            page.text(page.left, page.y + 8, f"{value}{words.pick('', '【新款】', '/均码')}", 14, width=130)
            page.text(190, page.y + 9, words.price(), 13, page.theme.accent, align="c")
            page.text(page.right, page.y + 9, words.pick("-  0  +", "-  1  +", "缺货", "到货提醒"), 13, align="r")
            page.y += 38
    foot_buttons(page, [f"已选{page.rng.randint(1, 5)}件", words.pick("立即订购", "确定", "加入购物车")])


@family(OPTIONS, weight=0.8)
def menu_options(page: Page) -> None:
    """Choices of a date, a ticket, a flavour or a plan on a page of their own."""
    words = page.words
    kind = page.rng.randrange(3)
    title_bar(page, words.pick(*(("选择场次", "选择票档"), ("选规格", "选口味"), ("选择套餐", "选择版本"))[kind]))
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
            heading(page, key, words.pick("", "必选"))
            chips(page, values, page.rng.choice((0, 1)))
    foot_buttons(page, [words.pick("选好了", "确定", f"{words.price()} 下一步")])


@family(REVIEWS)
def review_with_reply(page: Page) -> None:
    """One review in full with the seller's reply and follow-up."""
    words = page.words
    title_bar(page, words.pick("评价详情", "买家秀", "评价"))
    with page.card():
        page.oval(page.left + 14, page.y + 14, 14, vivid(page.rng))
        page.text(page.left + 36, page.y + 2, words.say("nicknames"), 13)
        page.text(
            page.left + 36, page.y + 19, words.stamp(900, "%Y-%m-%d") + " 已购：" + words.product().spec, 10, width=270
        )
        page.y += 40
        stars(page, page.left, page.y, page.rng.randint(1, 5))
        page.y += 22
        note(page, review(page) + words.say("review_sentences"), colour=page.theme.ink, size=14)
        tiles(page, page.rng.randint(1, 6))
        note(
            page,
            words.pick("商家回复：", "掌柜回复：")
            + words.pick("感谢支持，期待再次光临", "抱歉给您带来不便，请联系客服处理"),
        )
        note(page, f"{page.rng.randint(2, 99)}天后追评：" + words.say("review_sentences"), colour=page.theme.ink)
    heading(page, "  " + words.pick(f"共{page.rng.randint(1, 60)}条回复", "全部评论"))
    for _ in range(2):
        bubble(page, words.say("review_sentences"))
    foot_buttons(page, [words.pick("写评论…", "有用(12)"), words.pick("去购买", "回复")], None)


@family(REVIEWS)
def review_summary(page: Page) -> None:
    """Scores, keywords, filters, then reviews in brief."""
    words = page.words
    title_bar(page, words.pick("宝贝评价", "全部评价", "用户评价", "买家评价(1万+)"))
    with page.card():
        heading(page, f"好评率{page.rng.randint(86, 100)}%", words.pick("高于同行", "评分4.8"))
        chips(
            page,
            words.some(
                [
                    "全部",
                    "有图/视频",
                    "追评",
                    "差评(32)",
                    "最新",
                    "质量很好(88)",
                    "尺码合适(41)",
                    "物流快",
                    "颜色好看",
                    "性价比高",
                ],
                5,
                8,
            ),
            0,
        )
    for _ in range(4):
        with page.card(pad=8):
            pair(page, words.say("nicknames"), words.stamp(page.rng.uniform(20, 4000), "%m-%d"))
            note(page, words.product().spec)
            note(
                page,
                words.say("review_sentences") + "，" + words.say("review_sentences"),
                colour=page.theme.ink,
                size=14,
            )
            if words.chance(0.4):
                tiles(page, page.rng.randint(1, 3), columns=4)
            page.text(page.right, page.y, words.pick("赞 评论", "有用 12", "赞3"), 11, page.theme.muted, align="r")
            page.y += 14


@family(REVIEWS)
def ask_all(page: Page) -> None:
    """问大家: a question with buyers' answers."""
    words = page.words
    title_bar(page, words.pick("问大家", "全部问题", "买家问答"))
    with page.card():
        goods(page, words.product(), price=False, count=None, side=46)
    for _ in range(3):
        with page.card():
            heading(page, words.pick("问 ", "问：", "Q ") + words.say("questions"), f"{page.rng.randint(1, 30)}个回答")
            for _ in range(page.rng.randint(1, 3)):
                note(
                    page,
                    words.pick("答 ", "买过的人：", words.say("nicknames") + "：") + words.say("review_sentences"),
                    colour=page.theme.ink,
                )
    foot_buttons(page, [words.pick("我要提问", "向买过的人提问", "邀请回答")])


@family(REVIEWS, app="douyin", weight=0.8)
def comment_sheet(page: Page) -> None:
    """Comments slid up over a video."""
    words = page.words
    page.fill(0, 0, WIDTH, page.height, mix(vivid(page.rng), BLACK, 0.6))
    page.thing(60, 40, 300, 220)
    with sheet(page, page.rng.uniform(200, 280), f"{page.rng.randint(8, 9000)}条评论"):
        for _ in range(6):
            page.oval(page.left + 12, page.y + 12, 12, vivid(page.rng))
            page.text(
                page.left + 32,
                page.y,
                words.say("nicknames") + words.pick("", " 作者", " 已购买"),
                12,
                page.theme.muted,
            )
            used = page.paragraph(page.left + 32, page.y + 18, words.say("review_sentences"), 14, width=260, most=2)
            page.text(
                page.left + 32,
                page.y + 20 + used,
                words.pick("3天前", "昨天", "05-12") + " · " + words.city() + "  回复",
                11,
                page.theme.muted,
            )
            page.y += 48 + used
    page.text(
        20,
        page.height - 40,
        words.pick("善语结善缘，恶言伤人心", "留下你的精彩评论吧", "说点什么…"),
        13,
        page.theme.muted,
    )


@family(REVIEWS, weight=0.8)
def rate_order(page: Page) -> None:
    """Writing a review: stars, tags, pictures, scores of shop and courier."""
    words = page.words
    title_bar(page, words.pick("发表评价", "评价晒单", "追加评价", "评价中心"), right=["发布"])
    with page.card():
        goods(page, words.product(), price=False, count=None, side=50)
        pair(page, words.pick("描述相符", "总体评价"), "★★★★★" + words.pick("非常好", "一般", "好"))
        chips(page, words.some(["质量不错", "做工精细", "包装严实", "与描述一致", "大小合适"], 3, 5))
        note(
            page,
            words.pick(
                "说说使用感受，帮助更多人", "宝贝满足你的期待吗？分享给想买的他们", words.say("review_sentences")
            ),
        )
        icons(page, ["添加照片", "视频", "匿名"], 4)
    rows(page, ("物流服务", "★★★★★"), ("服务态度", "★★★★"))
    with page.card():
        choices(page, ["匿名评价", "同步到买家秀"], marked=0)
    button(page, 24, page.height - 60, WIDTH - 48, words.pick("提交评价", "发布"), height=38)
    if words.chance(0.2):
        buttons(page, ["稍后评价"])
