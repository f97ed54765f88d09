"""Product pages below the main image: parameters, promises, long pictures, notices."""

from __future__ import annotations

from kdsl.world.screens.page import WIDTH, Page
from kdsl.world.screens.product_page import price_band, product_top, under_image
from kdsl.world.screens.product_pictures import vivid
from kdsl.world.screens.theme import BLACK, WHITE, mix
from kdsl.world.screens.toolkit import PRODUCT_TABS
from kdsl.world.screens.words import Words


def _parameters(page: Page, words: Words, low: int = 4, high: int = 9) -> None:
    values = {
        "brand": words.say("brands"),
        "city": words.city(),
        "factory": words.city() + "日用品有限公司",
        "address": words.address(),
        "date": words.stamp(4000, "%Y年%m月%d日"),
        "code": "SC" + words.number(10),
    }
    for key, value in page.rng.sample(words.book["parameters"], page.rng.randint(low, high)):
        page.pair(key, values.get(value, value), spread=False)


def _detail_tabs(page: Page) -> None:
    page.status_bar()
    page.tabs(PRODUCT_TABS, page.rng.choice((0, 2, 2)), colour=page.theme.bar)


def parameters_and_picture(page: Page, words: Words) -> None:
    """产品参数 and the long pictures below."""
    product = words.product()
    _detail_tabs(page)
    if words.chance(0.5):
        under_image(page, words, product)
    with page.card():
        page.heading(words.pick("产品参数|参数|商品参数"), "全部>")
        _parameters(page, words)
    with page.card():
        page.heading(words.pick("宝贝详情|商品详情"))
        for _ in range(3):
            page.thing(page.left, page.y, page.right, page.y + 160, product.thing)
            page.text(page.left + 20, page.y + 20, words.say("slogans"), 22, vivid(page.rng), bold=True)
            page.text(
                page.left + 20,
                page.y + 52,
                words.pick("细节展示|产品信息|使用方法|尺寸说明|温馨提示|为什么选择我们"),
                15,
                vivid(page.rng),
            )
            page.y += 166
    page.buy_bar(
        words.pick("加入购物车,领券购买|立即购买|加入购物车,立即购买").split(","),
        words.pick("店铺,客服,收藏|百补频道,客服").split(","),
    )


def scrolled_down(page: Page, words: Words) -> None:
    """A product page scrolled a little: price, promises, reviews' head, questions, shop."""
    product = words.product()
    _detail_tabs(page)
    price_band(page, words, product)
    under_image(page, words, product)
    with page.card():
        page.heading(f"评价({words.pick('21|200+|1000+|4')})", "全部>")
        page.note("  ".join(words.some("香味清淡(26)|质量很好(52)|风大凉快(17)|穿着舒服(32)|物流快(8)", 1, 3)))
        page.note(
            words.pick("很好用，包装也严实，下次还来|颜色和图片一样，家里人都喜欢|用了几天来评价，挺满意的"),
            colour=page.theme.ink,
        )
    with page.card():
        page.heading(words.pick(f"问大家({page.rng.randint(2, 30)})", "问大家"), "全部>")
        page.note(words.pick("问 声音大不大？|问 会不会掉色？|问 白光好还是暖光好|问 好用吗"))
    with page.card():
        page.heading(words.shop, "+关注")
        page.note("宝贝质量4.7高  物流速度4.6高  服务保障4.6高")
        page.buttons(["进店逛逛", "全部宝贝"], None)
    page.buy_bar(["加入购物车", words.pick("领券购买|立即购买")])


def service_sheet(page: Page, words: Words) -> None:
    """The panel that explains the promises."""
    product_top(page, words)
    explanations = [
        ("退货运费险", "商家送了运费险，退换货时叫上门取件的，首重的钱直接免掉；自己去寄的，按首重赔给您。"),
        ("7天无理由退货", "符合7天无理由退货的，商品包邮时买家只出退回的邮费，不包邮时寄来和退回的邮费都由买家出。"),
        ("假一赔四", "正品承诺，假一赔四"),
        ("极速退款", "信用良好的用户寄出退货后，可提前收到退款。"),
        ("15天退货", "签收后15天内，商品与包装完好、配件齐全，可以申请退货。"),
        ("破损包退", "签收时商品破损，可申请退款"),
        ("全程价保", "购买后15天内降价，可申请退差价"),
    ]
    with page.sheet(page.rng.uniform(60, 260), words.pick("|服务说明|基础保障")):
        for name, text in page.rng.sample(explanations, page.rng.randint(2, 5)):
            page.heading(name)
            page.note(text)
        page.button(18, page.height - 62, WIDTH - 36, words.pick("我知道了|完成"), height=38)


def parameter_sheet(page: Page, words: Words) -> None:
    """The panel with the parameter table."""
    product_top(page, words)
    with page.sheet(page.rng.uniform(100, 300), words.pick("产品参数|参数信息|商品参数")):
        _parameters(page, words, 8, 14)
        page.button(18, page.height - 62, WIDTH - 36, "完成", height=38)


def long_picture(page: Page, words: Words) -> None:
    """A piece of the long detail pictures: slogans and a drawn object, no bars."""
    product = words.product()
    page.photo = words.chance(0.5)
    ground = mix(vivid(page.rng), WHITE, 0.7)
    page.fill(0, 0, WIDTH, page.height, ground)
    page.centred(30, words.pick("产品信息|细节展示|尺码表|色卡|使用说明|温馨提示|成分说明"), 24, bold=True)
    page.y = 76
    for _ in range(page.rng.randint(1, 3)):
        page.thing(20, page.y, WIDTH - 20, page.y + 180, product.thing)
        page.y += 190
        page.centred(page.y, words.pick(*words.book["slogans"], *words.book["suffixes"][2:]), 17, bold=True)
        page.y += 30
    _parameters(page, words, 3, 6)


def size_table(page: Page, words: Words) -> None:
    """A size chart."""
    page.status_bar()
    page.fill(0, page.y, WIDTH, page.height, WHITE)
    page.y += 14
    page.centred(page.y, words.pick("尺码表 单位(CM)|尺码信息|尺寸参考"), 18, (30, 30, 30), bold=True)
    page.y += 36
    columns = words.pick("尺码,衣长,胸围,肩宽,袖长|尺码,腰围,臀围,裤长|鞋码,脚长,脚围").split(",")
    for row in range(page.rng.randint(4, 8)):
        for index, name in enumerate(columns):
            text = (
                name
                if row == 0
                else (
                    ["S", "M", "L", "XL", "2XL", "3XL", "4XL"][row - 1]
                    if index == 0
                    else str(page.rng.randint(36, 118))
                )
            )
            page.text(WIDTH * (index + 0.5) / len(columns), page.y + 8, text, 13, (40, 40, 40), align="c")
        page.stroke((12, page.y + 28), (WIDTH - 12, page.y + 28))
        page.y += 30
    page.note("温馨提示：手工测量存在1-3cm误差，请以实物为准")
    page.thing(20, page.y, WIDTH - 20, page.y + 260)


def seller_notice(page: Page, words: Words) -> None:
    """A notice of the seller or the plan of a service on a product page."""
    page.title_bar(words.pick("商品详情|套餐详情|购买须知"))
    page.y += 6
    with page.card():
        page.heading(words.pick("购买须知|发货公告|套餐介绍|权益说明"))
        for line in words.some(
            "默认48小时内发货，不指定快递|签收前请先验货，破损请拒收|"
            "套餐内容：全国流量 通话100分钟|优惠月租 首月按天计费|虚拟商品一经售出不支持退换|"
            "赠品数量有限，送完即止|如有质量问题请联系客服处理|图片仅供参考，以实物为准",
            4,
            7,
        ):
            page.note(line, colour=page.theme.ink, size=13)
    _parameters(page, words, 2, 5)
    page.buy_bar([words.pick("立即购买|立即办理|加入购物车")])


def instruction_page(page: Page, words: Words) -> None:
    """How the thing is used: numbered steps with pictures."""
    product = words.product()
    page.photo = words.chance(0.4)
    page.fill(0, 0, WIDTH, page.height, mix(vivid(page.rng), WHITE, 0.88))
    page.y = 16
    ink = (50, 50, 56)
    page.centre(words.pick("使用方法|安装步骤|食用方法|清洗保养|操作说明|冲泡指南"), 24, ink, bold=True)
    page.centre(words.pick("HOW TO USE|简单三步轻松搞定|STEP BY STEP"), 12, (130, 130, 136))
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
    page.note(words.pick("注意事项：请避免阳光直射，置于儿童不易触及处|温馨提示：手工测量误差1-3cm属正常"), colour=ink)


def comparison_table(page: Page, words: Words) -> None:
    """Ours against others, or models against each other."""
    product = words.product()
    page.y = 14
    page.centre(words.pick("产品对比|为什么选择我们|型号对比|规格参数|实力看得见"), 22, bold=True)
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
    page.note("  *数据来自实验室，实际因使用环境有差异")


def promises_and_faq(page: Page, words: Words) -> None:
    """Below the pictures: promises, price notes, questions, delivery."""
    if words.chance(0.6):
        page.tabs(PRODUCT_TABS, 2)
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
            page.sections((title, text))
    page.buy_bar(["加入购物车", "立即购买"])


def detail_with_tabs(page: Page, words: Words) -> None:
    """The details part of the page under its tabs: highlights, pictures, certificates."""
    product = words.product()
    page.tabs(words.pick("宝贝,评价,详情,推荐|商品,参数,详情,同款").split(","), 2)
    with page.card():
        page.heading(words.pick("宝贝详情|图文详情|商品介绍|亮点"))
        for key, values in product.options.items():
            page.pair(key, "/".join(values))
        page.pair("品牌", words.say("brands"))
        page.pair(words.pick("产地|货号|上市时间"), words.pick("中国大陆", "A" + words.number(5), "2024年秋季"))
    page.thing(0, page.y, WIDTH, page.y + 230, product.thing)
    page.text(
        20, page.y + 20, product.noun + words.pick("细节展示|实拍|场景图|面料解析|质检报告"), 20, WHITE, bold=True
    )
    page.y += 240
    page.centre(words.pick("甄选好料 用心制造|细节见真章|一处细节，多重守护|品质源于热爱"), 18, bold=True)
    page.tiles(2, columns=2, labels=["细节一", words.pick("细节二|侧面|内部")])
    page.buy_bar(["加入购物车", "立即购买"])
