"""Orders in full."""

from __future__ import annotations

from kdsl.world.screens.page import Page
from kdsl.world.screens.toolkit import ORDER_TABS
from kdsl.world.screens.tracking import PROMISES, journey
from kdsl.world.screens.words import Words


def _order_facts(page: Page, words: Words) -> None:
    product = words.product()
    colon = words.pick("|：|:")
    with page.card():
        page.goods(product, tags=words.some(PROMISES, 1, 2))
        page.buttons(words.pick("退款|申请售后,加入购物车|卖了换钱,申请售后|退款中|加入购物车").split(","), None)
    with page.card():
        if words.chance(0.6):
            page.pair("商品总价", words.price(product.price))
            page.pair("运费", "¥0.00")
            for key in words.some("运费险|店铺优惠|淘金币抵扣|红包抵扣|618大促跨店满减|商家改价", 0, 2):
                page.pair(key, "-" + words.price(page.rng.uniform(0, 30)))
        page.pair(words.pick("实付款|实付款|应付款|需付款"), words.price(product.price), colour=page.theme.accent)
    with page.card():
        rows = [
            ("收货信息", words.address(), True),
            ("订单编号", words.order() + " 复制", True),
            ("交易快照", "交易有争议时，会拿来作依据>", False),
            ("支付宝交易号", words.number(28), True),
            ("创建时间", words.stamp(200), False),
            ("付款时间", words.stamp(199.9), False),
            ("发货时间", words.stamp(180), False),
            ("成交时间", words.stamp(20), False),
        ]
        for key, value, private in rows[: page.rng.randint(4, 8)]:
            page.pair(key + colon, value, private=private, spread=False)
        if words.chance(0.3):
            page.pair("天猫积分" + colon, f"获得{page.rng.randint(3, 900)}点积分>", spread=False)
        page.centred(page.y, words.pick("收起更多订单信息|收起へ|查看更多"), 12, page.theme.muted)
        page.y += 18


def order_detail(page: Page, words: Words) -> None:
    """An order by its state, with amounts, numbers and times."""
    state = words.pick("交易成功|卖家已发货|买家已付款|交易关闭|等待买家付款|待下单")
    page.title_bar(state, centred=False)
    page.note(
        {
            "卖家已发货": f"  {words.left()}自动确认",
            "买家已付款": "  " + words.stamp(-48, "%-m月%-d日%H:%M前发货"),
            "交易关闭": "  " + words.pick("超时关闭|卖家关闭，原因：缺货"),
            "等待买家付款": "  剩23小时40分自动关闭",
        }.get(state, "  ")
    )
    if state == "卖家已发货" and words.chance(0.6):
        with page.card():
            page.timeline(journey(words, 1))
            page.note(words.pick("取件出示虚拟号>|号码保护中"))
    if words.chance(0.5):
        page.y -= 4
        with page.card():
            page.pair(words.address(), "", private=True)
    _order_facts(page, words)
    with page.card():
        page.heading(words.pick("商品服务|宝贝服务"), words.pick("含运费险等保障|7天无理由退换"))
        if words.chance(0.5):
            page.buttons([words.pick("联系卖家|百亿补贴客服"), "投诉卖家"], None)
    if words.chance(0.4):
        page.strip("买它的人也看中这些", 1)
    feet = {
        "卖家已发货": ["延长收货", "查看物流", "确认收货"],
        "买家已付款": ["申请开票", "催发货"],
        "交易关闭": ["删除订单", "加入购物车"],
        "等待买家付款": ["取消订单", "修改地址", "立即付款"],
        "待下单": ["取消订单", "修改地址", "确认订单"],
    }.get(state, ["申请开票", "挑选服务", "再买一单"])
    page.foot_buttons(feet, left=["更多"])


def order_facts_only(page: Page, words: Words) -> None:
    """An order page scrolled down to its numbers."""
    _order_facts(page, words)
    page.rewards()
    page.strip("", 1)
    page.foot_buttons(["删除订单", "再买一单"], left=["更多"])


def order_list(page: Page, words: Words) -> None:
    """我的订单: some orders with their states."""
    page.search_bar("搜索订单")
    page.tabs(ORDER_TABS, page.rng.randint(0, 3))
    for _ in range(3):
        state = words.pick("卖家已发货|买家已付款|交易成功|等待买家付款|交易关闭")
        with page.card():
            page.heading(words.shop, state)
            page.goods(words.product(), tags=words.some(PROMISES, 1, 2))
            page.pair(words.pick("含运费险服务", "你的宝贝将由" + words.courier + "护送", ""), "实付款" + words.price())
            page.buttons(
                words.pick("更多,延长收货,查看物流,确认收货|更多,催发货|删除订单,再买一单|更多,修改地址,付款").split(
                    ","
                )
            )


def order_confirm_view(page: Page, words: Words) -> None:
    """确认订单 read as an order: delivery, freight, invoice."""
    page.title_bar("确认订单")
    with page.card():
        page.pair(words.address(), ">", private=True)
        page.note(words.pick("送货上门 次日达|今晚付款，一天之内发货，保证明天送达"))
    with page.card():
        page.goods(words.product(), tags=words.some(PROMISES, 1, 2))
        for key, value in (
            ("配送", "今晚付款，预计一天内发货"),
            ("配送偏好", "可预约"),
            ("运费", "6.00元"),
            ("退货免运费", ">"),
            ("开具发票", "本次不开具发票>"),
        ):
            page.pair(key, value)
    with page.card():
        page.heading("超值加购", "查看全部>")
        page.goods(words.product(), count=None)
    page.foot_buttons(["提交订单"])


def order_plain(page: Page, words: Words) -> None:
    """An order page in a plainer manner."""
    page.title_bar("订单详情", centred=True)
    with page.card():
        page.heading(words.pick("已完成|待收货|待发货|已取消"), colour=page.theme.accent, size=18)
        page.note(words.pick("感谢您的信任，期待再次光临|商品正在出库|您的订单已打包"))
    _order_facts(page, words)
    page.foot_buttons(["申请售后", "查看发票", "再次购买"])


def order_snapshot(page: Page, words: Words) -> None:
    """The trade snapshot: the product as it was bought, with the order's facts."""
    page.title_bar(words.pick("交易快照|订单信息|订单详情"))
    page.note("  本页面为交易快照，您可在此核对宝贝信息")
    with page.card():
        page.goods(words.product())
        page.pair("订单编号", words.order(), private=True)
        page.pair("快照时间", words.stamp(90))
        page.pair("运费", "¥0.00")
        page.pair("实付款", words.price())
        page.pair("卖家", words.shop, private=True)
    _order_facts(page, words)


def presale_order(page: Page, words: Words) -> None:
    """An order in two payments: deposit and balance."""
    page.title_bar(words.pick("等待买家付尾款|买家已付款|交易成功"), centred=False)
    with page.card():
        page.goods(words.product())
        page.pair("阶段1：定金", "已付" + words.price())
        page.pair("阶段2：尾款", words.pick("已付|待付") + words.price())
        page.note(words.stamp(-40, "%m月%d日20:00") + "开始支付尾款")
    _order_facts(page, words)
    page.foot_buttons(["修改地址", "联系卖家", "催发货"], left=["更多"])


def service_order(page: Page, words: Words) -> None:
    """An order of virtual goods or of a supermarket with many lines."""
    page.title_bar(words.pick("交易成功|卖家已发货|订单详情"), centred=False)
    with page.card():
        page.heading(words.pick("天猫超市", "话费充值", words.shop), words.pick("共4件|"))
        for _ in range(page.rng.randint(2, 4)):
            page.goods(words.product(), side=50)
        page.pair("实付款", words.price(), colour=page.theme.accent)
    with page.card():
        for key, value in (
            ("订单编号", words.order()),
            ("创建时间", words.stamp(90)),
            ("付款时间", words.stamp(89)),
            ("成交时间", words.stamp(9)),
        ):
            page.pair(key, value, private=key == "订单编号", spread=False)
        page.pair("交易快照", "交易有争议时，会拿来作依据>", spread=False)
    page.foot_buttons(["删除订单", "申请开票", "再买一单"], left=["更多"])


def order_state_page(page: Page, words: Words) -> None:
    """One order with its state at the top: waits for dispatch, closed, done."""
    page.title_bar(words.pick("订单详情||交易详情"))
    state = words.pick("买家已付款|等待卖家发货|交易成功|交易关闭|待发货|拼团成功，待发货|待使用|已完成")
    page.banner(
        state, [words.pick("预计48小时内发货", "超时未付款，订单已关闭", "感谢您的购买", words.left() + "自动确认收货")]
    )
    with page.card():
        page.text(page.left, page.y, words.say("nicknames") + " " + words.phone(), 14, private=True)
        page.y += 24
        page.note(words.address() + words.pick("3单元|门卫室"), colour=page.theme.ink)
    with page.card():
        page.heading(words.shop + ">", words.pick("|客服"))
        page.goods(words.product())
        page.buttons(words.some("申请退款|加购物车|再买一单|申请售后|查看物流|评价", 2, 3), None)
        page.pair("实付款", words.price())
    page.rows(
        ("订单编号", words.order()),
        ("下单时间", words.stamp(60)),
        ("支付方式", words.say("payments")),
        ("支付时间", words.stamp(59.9)),
        ("配送方式", "快递"),
        ("订单备注", words.pick("无|请发韵达")),
        ("发票", "未开具"),
        keep=0.8,
        private=("订单编号",),
    )
    page.foot_buttons(
        words.pick("更多,提醒发货|删除订单,再次购买|修改地址,申请退款|联系商家,确认收货").split(","), None
    )


def order_progress_card(page: Page, words: Words) -> None:
    """The order's course in time and the price taken apart."""
    page.title_bar(words.pick("订单信息|订单明细|查看订单"))
    with page.card():
        page.steps_bar(["提交订单", "付款", "发货", "确认收货"], page.rng.randint(1, 3))
        page.timeline(
            [
                ("成交时间", words.stamp(2), ""),
                ("发货时间", words.stamp(60), ""),
                ("付款时间", words.stamp(90), ""),
                ("创建时间", words.stamp(90.2), ""),
            ][page.rng.randint(0, 2) :]
        )
    with page.card():
        for _ in range(page.rng.randint(1, 3)):
            page.goods(words.product())
    page.rows(
        ("商品总价", words.price()),
        ("运费", "¥0.00"),
        ("平台优惠", "-" + words.price()),
        ("店铺优惠券", "-¥5.00"),
        ("实付", words.price()),
    )
    page.rows(
        ("订单号", words.order() + " 复制"),
        ("收货地址", words.address()),
        ("交易号", words.number(24)),
        private=("收货地址", "交易号"),
    )
    page.foot_buttons(["更多", words.pick("申请开票|加入购物车"), words.pick("再次购买|写评价")], None)


def voucher_order(page: Page, words: Words) -> None:
    """An order of something that is not sent: a voucher, a top-up, a ticket, a service."""
    page.title_bar(words.pick("订单详情|充值订单|门票订单|电子凭证"))
    page.banner(words.pick("充值成功|待使用|出票中|充值处理中|已核销"), [words.stamp(2)])
    page.rows(
        ("商品", words.product().title),
        ("充值账号", words.phone()),
        ("券码", words.number(12)),
        ("有效期", "至" + words.stamp(-900, "%Y-%m-%d")),
        ("实付金额", words.price()),
        ("订单编号", words.order()),
        ("下单时间", words.stamp(5)),
        private=("充值账号", "券码"),
        keep=0.85,
    )
    with page.card():
        page.sections(
            ("订单说明", words.pick("虚拟商品充值成功后不支持退换。|到店出示券码核销。|若超时未到账请联系商家。"))
        )
    page.foot_buttons(["联系客服", "再来一单"], None)
