"""Coupons to take."""

from __future__ import annotations

from kdsl.world.screens.events import HALLS, RED, amount, festival_head, spending_progress
from kdsl.world.screens.page import WIDTH, Page
from kdsl.world.screens.product_page import product_top
from kdsl.world.screens.product_pictures import vivid
from kdsl.world.screens.shop import shop_home
from kdsl.world.screens.theme import WHITE
from kdsl.world.screens.toolkit import APP_TABS
from kdsl.world.screens.words import Words


def _vip_coupons(page: Page, words: Words) -> None:
    page.heading("88VIP消费券", words.pick("规则|天猫实物"))
    page.note("可用(个别数码家电除外)、部分淘宝店铺也可用")
    page.tickets([("¥400", "实付满¥5000可用", "88VIP专享"), ("¥100", "实付满¥1200可用", "88VIP专享")])
    page.fill(page.left, page.y, page.right, page.y + 36, RED, 18)
    page.text((page.left + page.right) / 2, page.y + 10, "用188积分换500元券", 15, WHITE, align="c", bold=True)
    page.y += 42
    page.note(f"{words.stamp(-30, '%-m月%-d日')}23点半截止兑换 当晚失效 当前积分:{page.rng.randint(60, 4000)}")


def coupon_list(page: Page, words: Words) -> None:
    """A list of coupons to take."""
    page.title_bar(words.pick("领券中心|优惠券|领取优惠券|红包卡券|店铺优惠券"))
    if words.chance(0.4):
        page.tabs(["推荐", "美妆", "数码", "服饰", "超市"])
    while page.y < page.height - 90:
        page.coupon(
            *amount(words),
            words.say("coupon_titles"),
            words.pick("立即领取|领取|立即抢|去使用|已领|已抢光|查看"),
            sub=words.pick(
                "淘宝天猫实物商品能用",
                "部分美妆洗护商品能用",
                words.stamp(-200, "%Y.%m.%d") + " 23:59 到期",
                "部分苹果手机能用",
                "指定商品可用，可跨店",
            ),
        )


def coupon_popup(page: Page, words: Words) -> None:
    """A big red packet over the home page."""
    page.search_bar(words.product().noun, "搜索", back=False)
    page.tabs(["关注", "推荐", "618狂欢", "穿搭", "百亿补贴"], 1)
    page.chips(["限时秒杀", "天猫国际", "88VIP", "天猫超市", "充值", "芭芭农场", "红包签到", "领券中心"])
    page.strip("", 2)
    page.tab_bar(APP_TABS)
    page.veil(0.6)
    value, limit = amount(words)
    page.fill(70, 200, WIDTH - 70, 500, (250, 60, 60), 18)
    page.centred(224, words.pick("618惊喜红包|恭喜获得|惊喜加油红包"), 17, WHITE, bold=True)
    page.fill(86, 258, WIDTH - 86, 400, (255, 244, 236), 12)
    page.centred(284, value, 42, RED, bold=True)
    page.centred(346, limit, 17, RED)
    page.centred(416, words.pick("可与满300减50同用|6.15-6.20可用|有效期7天"), 13, WHITE)
    page.fill(100, 444, WIDTH - 100, 484, (255, 236, 180), 20)
    page.centred(455, words.pick("去使用|立即领取|开心收下"), 17, RED, bold=True)
    page.oval(WIDTH / 2, 540, 15, None, WHITE)
    page.centred(531, "×", 17, WHITE)


def coupon_exchange_sheet(page: Page, words: Words) -> None:
    """消费券兑换 over a product or shop."""
    words.rng.choice((product_top, shop_home))(page, words)
    with page.sheet(page.height * page.rng.uniform(0.42, 0.6), words.pick("消费券兑换|消费券兑换|领取消费券")):
        _vip_coupons(page, words)
        page.note("可在满300减50的基础上叠加使用 消费券一经兑换，不退不换")


def discount_sheet(page: Page, words: Words) -> None:
    """优惠明细 on a product page: what is used, what can be taken."""
    product_top(page, words)
    with page.sheet(page.rng.uniform(90, 260), words.pick("优惠明细|优惠详情|领券")):
        page.note("这次购买能用的优惠")
        page.pair(words.pick("官方立减|活动价|店铺优惠"), words.price(), colour=RED)
        for _ in range(page.rng.randint(1, 2)):
            page.coupon(
                *amount(words),
                words.pick("官方立减", "限时限量补贴", *words.book["coupon_titles"]),
                words.pick("去使用|领取|已领|不可用"),
                sub=words.pick("无使用门槛|优惠抢完即止，用券后不能价保|该商品可用"),
            )
        page.heading("更多优惠")
        page.coupon(
            *amount(words), words.pick("3C数码购物券|店铺优惠券"), words.pick("领取|已领|去凑单"), sub="距到期仅剩3天"
        )
        page.note("优惠金额由系统估算，以实际活动为准，看明细>")
        page.button(18, page.height - 60, WIDTH - 36, words.pick("关闭|确定|领券购买"), height=38)


def coupon_cut_out(page: Page, words: Words) -> None:
    """One or two coupons cut out of a page."""
    page.height = page.rng.randint(130, 330)
    page.photo = True
    page.fill(0, 0, WIDTH, page.height, words.rng.choice((page.theme.page, RED, (255, 230, 230))))
    page.y = 12
    kind = page.rng.randrange(4)
    if kind == 0:
        with page.card():
            _vip_coupons(page, words)
    elif kind == 1:
        spending_progress(page, words)
    elif kind == 2:
        page.heading(words.pick("618加油红包|天猫积分换红包|领券更优惠"))
        for _ in range(2):
            page.coupon(
                *amount(words), words.say("coupon_titles"), words.pick("查看|已抢光|去使用"), sub="再过2天就会失效"
            )
    else:
        page.tickets(
            [(*amount(words), words.pick("立即抢|已抢光|立即领取")) for _ in range(2)], words.say("coupon_titles")
        )


def coupon_hall(page: Page, words: Words) -> None:
    """A festival's hall of coupons."""
    festival_head(page, words, words.pick("领券中心|领官方补贴券|抢天猫惊喜券|618红包天天领|惊喜券天天抢"), 120)
    if words.chance(0.5):
        spending_progress(page, words)
    for _ in range(page.rng.randint(2, 3)):
        with page.card():
            name = words.say("coupon_titles")
            page.tickets(
                [
                    (*amount(words), words.pick("立即抢|立即领取|已抢光|去使用|已领"))
                    for _ in range(words.rng.choice((2, 3)))
                ],
                name,
            )
            page.note(words.pick("天猫国际部分商品能用|部分淘宝天猫实物商品能用|部分3C数码商品能用"))
    page.note("  ①说明：券数量有限，用了它不能再保价", colour=WHITE)
    page.tab_bar(list(HALLS), page.rng.randint(0, 4))


def packet_use(page: Page, words: Words) -> None:
    """红包使用明细 and coupons that cannot be used."""
    page.title_bar(words.pick("红包使用明细|优惠详情|优惠明细"))
    with page.card():
        page.heading(f"该订单分摊到以下{page.rng.randint(2, 12)}个红包", "共减" + words.price())
        for name in words.some("超级红包 x7|超级红包 x2|618购物送红包 x1|天猫积分红包 x1|店铺红包 x1", 2, 4):
            page.pair(name, words.price(), colour=RED)
    if words.chance(0.5):
        with page.card():
            page.heading("跨店满减")
            page.pair("618大促跨店满减", "不可使用")
            page.note("满300减50:还没凑够满减的金额")
    page.foot_buttons(["确定"])


def claim_dialog(page: Page, words: Words) -> None:
    """Taking a coupon: taken, or too late."""
    coupon_list(page, words)
    page.dialog(
        words.pick("领取成功|领取失败|活动火爆，请稍后试~|已抢光"),
        words.pick("券已放入我的-红包卡券|您来晚了，优惠券已抢光|您已领取过该优惠券|每人限领1张"),
        [words.pick("去使用|我知道了")],
    )


def cash_coupon(page: Page, words: Words) -> None:
    """A coupon landing page with a single big voucher."""
    page.gradient(0, page.height, vivid(page.rng), (255, 220, 200))
    page.status_bar()
    page.centred(90, words.pick("领天猫手机优惠券|新人专享礼包|领专属消费券|品类券限时领"), 24, WHITE, bold=True)
    page.centred(126, f"{words.stamp(100, '%-m月%-d日')}00:00-{words.stamp(-100, '%-m月%-d日')}23:59", 13, WHITE)
    page.y = 160
    for _ in range(page.rng.randint(1, 4)):
        page.coupon(
            *amount(words),
            words.pick("品类券", *words.book["coupon_titles"]),
            words.pick("立即领取|点击领取|已领取"),
            height=96,
        )
    page.note("面额由平台提供，领取后下单自动抵扣，不参与价格保护", colour=WHITE)


def shop_coupon_sheet(page: Page, words: Words) -> None:
    """The shop's and the platform's coupons over a product or the shop."""
    page.rng.choice((product_top, shop_home))(page, words)
    with page.sheet(page.rng.uniform(120, 260), words.pick("领券|优惠券|店铺优惠券|可领优惠券|优惠")):
        page.heading(words.pick("可领取优惠券|领券立减"))
        for _ in range(page.rng.randint(3, 5)):
            page.coupon(
                *amount(words),
                words.say("coupon_names"),
                words.pick("领取|立即领取|已领取|关注并领取|入会领取"),
                sub=words.pick("限本店商品", "有效期7天", words.stamp(-99, "%m.%d") + "前可用"),
            )


def coupon_rain(page: Page, words: Words) -> None:
    """Coupons at fixed hours: sessions, claimed shares."""
    page.gradient(0, page.height, (250, 70, 60), (255, 200, 150))
    page.title_bar(words.pick("整点抢券|大额券限时抢|领券频道|每日领券|神券专区"))
    page.tabs(["10:00 已结束", "14:00 抢券中", "20:00 即将开始"], 1)
    with page.card():
        for _ in range(5):
            page.coupon(
                *amount(words),
                words.say("coupon_names"),
                words.pick("马上抢|立即领|已抢完|提醒我|已领取"),
                sub=words.pick("已抢86%|每日限量500张|领取后24小时有效"),
            )


def coupon_given(page: Page, words: Words) -> None:
    """A coupon that just came: taken, come back tomorrow, or a gift by the shop."""
    page.rng.choice((product_top, shop_home))(page, words)
    page.veil(0.6)
    page.popup = True
    value, limit = amount(words)
    page.fill(56, 190, WIDTH - 56, 480, WHITE, 14)
    page.y = 204
    top = page.y
    page.centre(
        words.pick("送你一张优惠券|领取成功|新人礼包|专属优惠待领取|掌柜送您福利|限时惊喜券"),
        18,
        (40, 40, 40),
        bold=True,
    )
    page.fill(76, top + 40, WIDTH - 76, top + 140, (255, 232, 226), 10)
    page.y = top + 54
    page.centre(value, 34, (230, 40, 50), bold=True)
    page.centre(limit + " " + words.say("coupon_names"), 13, (230, 40, 50))
    page.y = top + 156
    page.centre(words.pick("有效期至|请在领取后使用 ") + words.stamp(-50, "%m-%d 23:59"), 12, (140, 140, 140))
    page.button(90, top + 200, WIDTH - 180, words.pick("立即领取|收下去使用|一键领取|马上领券"), height=40)


def coupon_terms(page: Page, words: Words) -> None:
    """One coupon with its terms and a button to take it."""
    page.title_bar(words.pick("优惠券详情|领取优惠券|红包领取|消费券"))
    value, limit = amount(words)
    page.band(value, (236, 60, 60), 90, 40)
    page.centre(limit, 15)
    page.centre(words.say("coupon_names"), 17, bold=True)
    page.icons(["满减", "可叠加", "限时", "全场"], 4)
    with page.card():
        page.sections(
            ("使用范围", words.pick("限指定商品使用，特价除外|全店通用")),
            ("使用时间", "领取后" + words.number(1) + "天内有效"),
            ("领取规则", "每个账号限领1张，不找零不兑现"),
        )
    page.foot_buttons([words.pick("立即领取|已领取 去使用|已领完|0.01元抢购")])
