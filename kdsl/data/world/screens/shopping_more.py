"""More of the shop: carts, shops' homes, orders, events and coupons to take."""

from __future__ import annotations

from kdsl.data.world.screens.blocks import band, centre, choices, icons, rows, sections, steps_bar, tiles
from kdsl.data.world.screens.cart import CART
from kdsl.data.world.screens.coupons import COUPONS
from kdsl.data.world.screens.events import EVENT, amount
from kdsl.data.world.screens.orders import ORDER
from kdsl.data.world.screens.page import WIDTH, Page
from kdsl.data.world.screens.panels import coupon, dialog, sheet, strip, tickets
from kdsl.data.world.screens.product_page import product_top
from kdsl.data.world.screens.registry import family
from kdsl.data.world.screens.shop import SHOP, shop_home
from kdsl.data.world.screens.theme import WHITE
from kdsl.data.world.screens.things import vivid
from kdsl.data.world.screens.toolkit import (
    banner,
    button,
    buttons,
    chips,
    foot_buttons,
    goods,
    heading,
    note,
    pair,
    search_bar,
    status_bar,
    tab_bar,
    tabs,
    timeline,
    title_bar,
)


@family(CART)
def cart_discount_detail(page: Page) -> None:
    """The sum of the cart taken apart, over the cart."""
    words = page.words
    title_bar(page, f"购物车({page.rng.randint(2, 120)})", right=["管理"])
    for _ in range(2):
        with page.card():
            heading(page, "○ " + words.shop + ">", words.pick("领券", "凑单"))
            goods(page, words.product())
    with sheet(page, page.rng.uniform(260, 380), words.pick("金额明细", "优惠明细", "已选商品明细")):
        for key in ("商品总额", "跨店满减", "店铺优惠", "共减", words.pick("合计", "到手价")):
            pair(page, key, words.pick("", "-") + words.price())
        note(page, words.pick("实际优惠以结算页为准", "还差20元可用满减券"))
    foot_buttons(page, ["○ 全选", f"结算({page.rng.randint(1, 12)})"])


@family(CART)
def cart_groups(page: Page) -> None:
    """The cart by filters: price drops, low stock, in a promotion, and what has gone."""
    words = page.words
    title_bar(
        page, words.pick("购物车", f"购物车({page.rng.randint(5, 120)})"), right=words.pick("编辑", "管理 搜索").split()
    )
    chips(page, ["全部", words.pick("降价 3", "满减"), "低库存", "常购", "失效"], 0)
    for _ in range(2):
        with page.card(pad=6):
            heading(
                page,
                words.pick("○ ", "✓ ") + words.rng.choice(words.book["brands"]) + words.pick("旗舰店", "专营店"),
                words.pick("凑单>", "满199减20>"),
            )
            for _ in range(page.rng.randint(1, 2)):
                goods(
                    page,
                    words.product(),
                    count=None,
                    tags=words.some(["比加入时降12元", "仅剩2件", "7天无理由", "跨店每300减50"], 0, 2),
                )
                pair(page, "", words.pick("-  1  +", "-  2  +", "移入收藏  删除"))
    with page.card():
        heading(page, f"失效宝贝{page.rng.randint(1, 9)}件", words.pick("清空", "找相似"))
    foot_buttons(page, ["全选 合计：" + words.price(), words.pick("去结算", "领券结算", "结算(2)")])


@family(CART)
def cart_swipe(page: Page) -> None:
    """A row of the cart opened by a swipe, or a question before it is deleted."""
    words = page.words
    title_bar(page, words.pick("购物车", "我的购物车"), right=["管理"])
    for index in range(3):
        with page.card():
            heading(page, "○ " + words.shop)
            goods(page, words.product())
            if index == 1:
                page.fill(WIDTH - 130, page.y - 76, WIDTH - 70, page.y, (250, 160, 40))
                page.fill(WIDTH - 70, page.y - 76, WIDTH - 8, page.y, (240, 60, 50))
                page.text(WIDTH - 100, page.y - 46, "移入收藏", 12, WHITE, align="c")
                page.text(WIDTH - 40, page.y - 46, "删除", 13, WHITE, align="c")
    foot_buttons(page, ["全选  合计 ¥0.00", "结算"])
    if words.chance(0.4):
        dialog(
            page,
            "",
            words.pick("确定将这个宝贝移出购物车吗？", "购物车已满，请先清理", "确认删除已失效商品？"),
            ["我再想想", "删除"],
        )


@family(SHOP)
def shop_new_arrivals(page: Page) -> None:
    """The shop by date or sales: tabs, filters, two columns."""
    words = page.words
    search_bar(page, "搜索本店", words.pick("分类", "搜索"))
    page.oval(34, page.y + 22, 20, vivid(page.rng))
    page.text(64, page.y + 6, words.shop, 16, bold=True, private=words.chance(0.3))
    page.text(64, page.y + 30, "  ".join(words.few("shop_lines", 1, 2)), 11, page.theme.muted)
    button(page, WIDTH - 78, page.y + 8, 66, words.pick("关注", "已关注", "+ 订阅"), height=26)
    page.y += 54
    tabs(
        page,
        words.pick("首页,宝贝,新品,买家秀", "推荐,宝贝,活动,直播,动态", "精选,全部,上新,会员").split(","),
        page.rng.randint(0, 2),
    )
    chips(page, ["综合", "销量", "价格", "新品", "筛选"], 0)
    strip(page, "", 2)
    tab_bar(page, words.pick("首页,全部宝贝,客服", "店铺,宝贝,会员,客服").split(","))


@family(SHOP)
def shop_card(page: Page) -> None:
    """About the shop: scores, licence, years, location."""
    words = page.words
    title_bar(page, words.pick("店铺信息", "店铺印象", "商家资质", "店铺详情", "关于店铺"))
    with page.card():
        goods_shop = words.shop
        heading(page, goods_shop, words.pick("关注", "已关注"))
        note(page, "  ".join(words.few("shop_lines", 3, 5)), colour=page.theme.ink)
    rows(
        page,
        ("宝贝描述", f"4.{page.rng.randint(5, 9)} 高"),
        ("卖家服务", f"4.{page.rng.randint(5, 9)} 高"),
        ("物流服务", f"4.{page.rng.randint(5, 9)} 平"),
    )
    rows(
        page,
        ("掌柜名", words.say("nicknames")),
        ("所在地", words.city()),
        ("开店时间", words.stamp(30000, "%Y-%m-%d")),
        ("企业资质", "营业执照>"),
        ("服务电话", "商家客服"),
        ("店铺二维码", ">"),
        keep=0.8,
    )
    foot_buttons(page, words.pick("进店逛逛,联系客服", "全部宝贝").split(","))


@family(SHOP)
def shop_live_home(page: Page) -> None:
    """A shop's dressed home: slogan poster, coupons of the shop, best sellers, members."""
    words = page.words
    tone = vivid(page.rng)
    page.gradient(0, 260, tone, page.theme.page)
    status_bar(page, colour=tone, ink=WHITE)
    page.text(14, page.y + 8, words.shop, 17, WHITE, bold=True)
    page.text(14, page.y + 32, words.pick("粉丝32.1万  ", "98%好评  ", "") + words.say("shop_lines"), 11, WHITE)
    page.text(WIDTH - 14, page.y + 14, words.pick("关注", "已关注", "直播中"), 14, WHITE, align="r")
    page.y += 56
    page.thing(12, page.y, WIDTH - 12, page.y + 130)
    page.text(30, page.y + 20, words.say("events"), 24, WHITE, bold=True)
    page.y += 138
    if words.chance(0.5):
        tickets(page, [(*amount(words), "") for _ in range(3)])
    heading(page, "  " + words.pick("本店热销榜", "掌柜推荐", "新品上架", "人气爆款"), "查看全部>")
    strip(page, "", 1)
    tab_bar(
        page, ["首页", words.pick("全部宝贝", "宝贝"), words.pick("分类", "动态"), words.pick("会员", "活动"), "客服"]
    )


@family(ORDER)
def order_state_page(page: Page) -> None:
    """One order with its state at the top: waits for dispatch, closed, done."""
    words = page.words
    title_bar(page, words.pick("订单详情", "", "交易详情"))
    state = words.pick(
        "买家已付款", "等待卖家发货", "交易成功", "交易关闭", "待发货", "拼团成功，待发货", "待使用", "已完成"
    )
    banner(
        page,
        state,
        [words.pick("预计48小时内发货", "超时未付款，订单已关闭", "感谢您的购买", words.left() + "自动确认收货")],
    )
    with page.card():
        page.text(
            page.left,
            page.y,
            words.say("nicknames") + " 1" + words.number(2) + "****" + words.number(4),
            14,
            private=True,
        )
        page.y += 24
        note(page, words.address() + words.pick("3单元", "门卫室"), colour=page.theme.ink)
    with page.card():
        heading(page, words.shop + ">", words.pick("", "客服"))
        goods(page, words.product())
        buttons(page, words.some(["申请退款", "加购物车", "再买一单", "申请售后", "查看物流", "评价"], 2, 3), None)
        pair(page, "实付款", words.price())
    rows(
        page,
        ("订单编号", words.order()),
        ("下单时间", words.stamp(60)),
        ("支付方式", words.say("payments")),
        ("支付时间", words.stamp(59.9)),
        ("配送方式", "快递"),
        ("订单备注", words.pick("无", "请发韵达")),
        ("发票", "未开具"),
        keep=0.8,
        private=("订单编号",),
    )
    foot_buttons(
        page,
        words.pick("更多,提醒发货", "删除订单,再次购买", "修改地址,申请退款", "联系商家,确认收货").split(","),
        None,
    )


@family(ORDER)
def order_progress_card(page: Page) -> None:
    """The order's course in time and the price taken apart."""
    words = page.words
    title_bar(page, words.pick("订单信息", "订单明细", "查看订单"))
    with page.card():
        steps_bar(page, ["提交订单", "付款", "发货", "确认收货"], page.rng.randint(1, 3))
        timeline(
            page,
            [
                ("成交时间", words.stamp(2), ""),
                ("发货时间", words.stamp(60), ""),
                ("付款时间", words.stamp(90), ""),
                ("创建时间", words.stamp(90.2), ""),
            ][page.rng.randint(0, 2) :],
        )
    with page.card():
        for _ in range(page.rng.randint(1, 3)):
            goods(page, words.product())
    rows(
        page,
        ("商品总价", words.price()),
        ("运费", "¥0.00"),
        ("平台优惠", "-" + words.price()),
        ("店铺优惠券", "-¥5.00"),
        ("实付", words.price()),
    )
    rows(
        page,
        ("订单号", words.order() + " 复制"),
        ("收货地址", words.address()),
        ("交易号", words.number(24)),
        private=("收货地址", "交易号"),
    )
    foot_buttons(page, ["更多", words.pick("申请开票", "加入购物车"), words.pick("再次购买", "写评价")], None)


@family(ORDER)
def voucher_order(page: Page) -> None:
    """An order of something that is not sent: a voucher, a top-up, a ticket, a service."""
    words = page.words
    title_bar(page, words.pick("订单详情", "充值订单", "门票订单", "电子凭证"))
    banner(page, words.pick("充值成功", "待使用", "出票中", "充值处理中", "已核销"), [words.stamp(2)])
    rows(
        page,
        ("商品", words.product().title),
        ("充值账号", "1" + words.number(2) + "****" + words.number(4)),
        ("券码", words.number(12)),
        ("有效期", "至" + words.stamp(-900, "%Y-%m-%d")),
        ("实付金额", words.price()),
        ("订单编号", words.order()),
        ("下单时间", words.stamp(5)),
        private=("充值账号", "券码"),
        keep=0.85,
    )
    with page.card():
        sections(
            page,
            (
                "订单说明",
                words.pick("虚拟商品充值成功后不支持退换。", "到店出示券码核销。", "若超时未到账请联系商家。"),
            ),
        )
    foot_buttons(page, ["联系客服", "再来一单"], None)


@family(EVENT)
def event_poster(page: Page) -> None:
    """An event told by one long poster: name, dates, ways to play, gifts."""
    words = page.words
    tone = vivid(page.rng)
    page.gradient(0, page.height, tone, WHITE)
    page.photo = words.chance(0.3)
    page.y = 30
    centre(page, words.say("events"), 34, WHITE, bold=True)
    centre(
        page,
        f"{words.stamp(90, '%m.%d')} - {words.stamp(-90, '%m.%d')} {words.pick('限时开启', '全场狂欢', '错过等一年')}",
        14,
        WHITE,
    )
    for index in range(page.rng.randint(2, 4)):
        with page.card():
            heading(
                page, words.pick("福利", "玩法", "惊喜") + "一二三四"[index] + "  " + words.say("gifts"), colour=tone
            )
            note(
                page,
                words.pick(
                    "活动期间每个账号限参与一次",
                    "数量有限，先到先得",
                    "下单满额自动参与，无需报名",
                    "奖品将在活动结束后7个工作日内寄出",
                ),
            )
    centre(page, words.pick("活动最终解释权归本店所有", "点击立即参与", "详情咨询客服"), 13)


@family(EVENT)
def subsidy_hall(page: Page) -> None:
    """State subsidy, trade-in, trial: qualification and steps."""
    words = page.words
    page.gradient(0, 220, (220, 40, 40), (255, 190, 120))
    title_bar(page, words.pick("政府补贴", "国家补贴", "以旧换新", "U先试用", "0元试用", "新人专区"))
    centre(page, words.pick("至高补贴20%", "家电换新立减", "领资格享补贴", "申请免费试用"), 28, WHITE, bold=True)
    with page.card():
        pair(page, "当前地区", words.city() + ">")
        steps_bar(page, ["领取资格", "选购商品", "立减下单", "签收核验"], page.rng.randint(0, 2))
        button(
            page,
            page.left + 40,
            page.y,
            page.right - page.left - 80,
            words.pick("查看我的资格", "实名领取资格", "立即申请", "名额已满"),
        )
        page.y += 40
    tabs(page, ["手机数码", "大家电", "厨卫", "家装", "规则"])
    strip(page, "", 1)


@family(EVENT)
def lottery(page: Page) -> None:
    """A wheel or a grid of prizes with chances left, tasks, winners."""
    words = page.words
    page.fill(0, 0, WIDTH, page.height, page.rng.choice(((240, 70, 60), (250, 150, 40), (120, 70, 220))))
    status_bar(page, colour=(200, 50, 50), ink=WHITE)
    centre(
        page,
        words.pick("幸运大转盘", "九宫格抽奖", "会员抽奖", "砸金蛋", "下单抽免单", "助力赢好礼"),
        28,
        WHITE,
        bold=True,
    )
    prizes = ["谢谢参与", "5元红包", "免单一次", "小样礼盒", "100积分", "优惠券", "手机", "再来一次", "开始抽奖"]
    for index, name in enumerate(page.rng.sample(prizes, 9)):
        x, y = 40 + 96 * (index % 3), page.y + 12 + 84 * (index // 3)
        page.fill(x, y, x + 88, y + 76, (255, 244, 220), 8)
        page.text(x + 44, y + 30, name, 13, (170, 60, 30), align="c")
    page.y += 276
    centre(page, f"今日剩余{page.rng.randint(0, 5)}次机会  {words.pick('活动规则', '我的奖品')}", 14, WHITE)
    with page.card():
        heading(page, words.pick("做任务赚机会", "中奖名单"))
        for _ in range(3):
            pair(
                page,
                words.pick("浏览店铺15秒", "关注店铺", "邀请1位好友", words.say("nicknames") + " 抽中"),
                words.pick("去完成", "已完成", "5元红包"),
            )


@family(EVENT, weight=0.8)
def shop_promotion(page: Page) -> None:
    """A shop's promotion: money off by steps, gifts at payment, how to join."""
    words = page.words
    title_bar(page, words.pick("促销活动", "满减活动", "赠品详情", "活动说明", "优惠活动"))
    with page.card():
        heading(
            page,
            words.say("events") + words.pick("满赠", "满减", "限时折扣"),
            words.pick("进行中", "即将开始"),
            colour=page.theme.accent,
        )
        note(
            page,
            words.pick(
                "满199减20，满399减50，上不封顶",
                "第二件半价，以最低价计算",
                "前1小时付尾款送赠品",
                "每满300减50，可跨店凑单",
            ),
            colour=page.theme.ink,
        )
        pair(page, "活动时间", words.stamp(50, "%m-%d") + "至" + words.stamp(-99, "%m-%d"))
        pair(page, "赠品", words.say("gifts"))
    tiles(page, 3, labels=[words.pick("赠完即止", "赠品", "加1元换购")])
    choices(page, ["活动范围：指定商品", "不与其他优惠叠加", "退货需退回赠品"], mark="·")
    foot_buttons(page, ["去凑单", "我知道了"])


@family(COUPONS)
def shop_coupon_sheet(page: Page) -> None:
    """The shop's and the platform's coupons over a product or the shop."""
    words = page.words
    page.rng.choice((product_top, shop_home))(page)
    with sheet(page, page.rng.uniform(120, 260), words.pick("领券", "优惠券", "店铺优惠券", "可领优惠券", "优惠")):
        heading(page, words.pick("可领取优惠券", "领券立减"))
        for _ in range(page.rng.randint(3, 5)):
            value, limit = amount(words)
            coupon(
                page,
                value,
                limit,
                words.say("coupon_names"),
                words.pick("领取", "立即领取", "已领取", "关注并领取", "入会领取"),
                sub=words.pick("限本店商品", "有效期7天", words.stamp(-99, "%m.%d") + "前可用"),
            )


@family(COUPONS)
def coupon_rain(page: Page) -> None:
    """Coupons at fixed hours: sessions, claimed shares."""
    words = page.words
    page.gradient(0, page.height, (250, 70, 60), (255, 200, 150))
    title_bar(page, words.pick("整点抢券", "大额券限时抢", "领券频道", "每日领券", "神券专区"))
    tabs(page, ["10:00 已结束", "14:00 抢券中", "20:00 即将开始"], 1)
    with page.card():
        for _ in range(5):
            value, limit = amount(words)
            coupon(
                page,
                value,
                limit,
                words.say("coupon_names"),
                words.pick("马上抢", "立即领", "已抢完", "提醒我", "已领取"),
                sub=words.pick("已抢86%", "每日限量500张", "领取后24小时有效"),
            )


@family(COUPONS)
def coupon_given(page: Page) -> None:
    """A coupon that just came: taken, come back tomorrow, or a gift by the shop."""
    words = page.words
    page.rng.choice((product_top, shop_home))(page)
    page.veil(0.6)
    page.popup = True
    value, limit = amount(words)
    page.fill(56, 190, WIDTH - 56, 480, WHITE, 14)
    page.y = 204
    band_top = page.y
    centre(
        page,
        words.pick("送你一张优惠券", "领取成功", "新人礼包", "专属优惠待领取", "掌柜送您福利", "限时惊喜券"),
        18,
        (40, 40, 40),
        bold=True,
    )
    page.fill(76, band_top + 40, WIDTH - 76, band_top + 140, (255, 232, 226), 10)
    page.y = band_top + 54
    centre(page, value, 34, (230, 40, 50), bold=True)
    centre(page, limit + " " + words.say("coupon_names"), 13, (230, 40, 50))
    page.y = band_top + 156
    centre(page, words.pick("有效期至", "请在领取后使用 ") + words.stamp(-50, "%m-%d 23:59"), 12, (140, 140, 140))
    button(
        page, 90, band_top + 200, WIDTH - 180, words.pick("立即领取", "收下去使用", "一键领取", "马上领券"), height=40
    )


@family(COUPONS, weight=0.8)
def coupon_terms(page: Page) -> None:
    """One coupon with its terms and a button to take it."""
    words = page.words
    title_bar(page, words.pick("优惠券详情", "领取优惠券", "红包领取", "消费券"))
    value, limit = amount(words)
    band(page, value, (236, 60, 60), 90, 40)
    centre(page, limit, 15)
    centre(page, words.say("coupon_names"), 17, bold=True)
    icons(page, ["满减", "可叠加", "限时", "全场"], 4)
    with page.card():
        sections(
            page,
            ("使用范围", words.pick("限指定商品使用，特价除外", "全店通用")),
            ("使用时间", "领取后" + words.number(1) + "天内有效"),
            ("领取规则", "每个账号限领1张，不找零不兑现"),
        )
    foot_buttons(page, [words.pick("立即领取", "已领取 去使用", "已领完", "0.01元抢购")])
