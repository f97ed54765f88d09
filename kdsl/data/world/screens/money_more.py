"""More of money: paying, one's own account, and orders that fail."""

from __future__ import annotations

from kdsl.data.world.screens.bills import BILL
from kdsl.data.world.screens.blocks import band, centre, choices, icons, rows
from kdsl.data.world.screens.cart import cart
from kdsl.data.world.screens.failures import FAIL
from kdsl.data.world.screens.page import WIDTH, Page
from kdsl.data.world.screens.panels import coupon, dialog, empty_picture, sheet, strip
from kdsl.data.world.screens.payment import PAY, confirm_order
from kdsl.data.world.screens.product_page import product_top
from kdsl.data.world.screens.registry import family
from kdsl.data.world.screens.theme import WHITE
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
    status_bar,
    tab_bar,
    tabs,
    title_bar,
    toast,
)


@family(PAY)
def ways_sheet(page: Page) -> None:
    """Ways to pay, banks and instalments in a panel."""
    words = page.words
    confirm_order(page)
    with sheet(page, page.rng.uniform(140, 260), words.pick("选择付款方式", "更换付款方式", "支付方式", "付款")):
        centre(page, words.price(), 26, bold=True)
        page.gap(4)
        choices(page, words.few("payments", 5, 8), marked=page.rng.randint(0, 3))
        note(page, words.pick("免密支付已开启", "支付即同意《付款协议》", "优惠：立减0.5元"))
        button(page, 18, page.height - 56, WIDTH - 36, words.pick("确认付款", "立即支付", "确认交易"), height=38)


@family(PAY)
def instalments(page: Page) -> None:
    """Paying in parts: periods, fees, credit left."""
    words = page.words
    total = page.rng.uniform(200, 6000)
    title_bar(page, words.pick("花呗分期", "分期付款", "确认付款", "选择分期"))
    with page.card():
        centre(page, f"¥{total:.2f}", 30, bold=True)
        page.gap(6)
        parts = [
            f"¥{total / count:.2f} x {count}期  {words.pick('免手续费', '手续费¥1.20/期')}" for count in (3, 6, 12, 24)
        ]
        choices(page, ["不分期，下月还", *parts], title="分期方案", marked=page.rng.randint(0, 4))
    rows(page, ("可用额度", words.price()), ("首次还款日", words.stamp(-700, "%m月%d日")), ("收款方", words.shop))
    foot_buttons(page, [words.pick("确认付款", "同意协议并付款", "立即支付")])


@family(PAY, app="alipay")
def password_or_face(page: Page) -> None:
    """Confirming by face, finger or a code sent by message, or a payment that did not go through."""
    words = page.words
    title_bar(page, words.pick("付款", "安全验证", "支付宝付款", "收银台"))
    with page.card():
        centre(page, words.shop, 14)
        centre(page, words.price(), 30, bold=True)
        page.gap(6)
        pair(page, "付款方式", words.say("payments"))
    if words.chance(0.5):
        with sheet(page, 380, words.pick("请验证指纹", "面容支付", "输入短信验证码", "输入支付密码")):
            page.oval(WIDTH / 2, page.y + 50, 36, None, page.theme.accent)
            page.y += 104
            centre(page, words.pick("使用密码支付", "重新获取(52s)", "换个验证方式"), 14, page.theme.accent)
        return
    dialog(
        page,
        words.pick("", "付款失败", "支付遇到问题", "提示"),
        words.pick(
            "余额不足，请更换付款方式",
            "是否放弃本次付款？",
            "当前支付方式不可用，请换一种方式",
            "本次交易存在风险，已拦截付款",
            "您是否已完成支付？",
        ),
        words.pick("放弃,继续付款", "更换付款方式", "未支付,已完成支付").split(","),
    )


@family(PAY)
def paid_page(page: Page) -> None:
    """After paying: thanks, what follows, rewards."""
    words = page.words
    page.gradient(0, 200, page.theme.accent, page.theme.accent_2)
    status_bar(page, colour=page.theme.accent, ink=WHITE)
    page.y += 24
    centre(page, words.pick("支付成功", "付款成功", "下单成功", "您已付款", "预售定金支付成功"), 24, WHITE, bold=True)
    centre(page, words.pick("实付", "共支付") + words.price(), 14, WHITE)
    page.y = 160
    with page.card():
        pair(page, "收货信息", words.address(), private=True)
        buttons(page, ["查看订单", words.pick("返回首页", "继续逛逛")], None)
    with page.card():
        heading(page, words.pick("付款有礼", "恭喜获得", "本单返"), "规则")
        note(page, words.pick("红包已放入卡券包", "淘金币+20", "收货后返1.2元"))
    strip(page, words.pick("买了的人还买", "猜你喜欢"), 1)


@family(PAY)
def preorder_pay(page: Page) -> None:
    """Deposit and balance, delivery time, shop notes before 提交订单."""
    words = page.words
    title_bar(page, words.pick("确认订单", "提交订单", "填写订单", "结算"))
    with page.card():
        pair(page, words.address(), ">", private=True)
    with page.card():
        heading(page, words.shop)
        goods(page, words.product())
        pair(page, "阶段1 定金", words.price())
        pair(page, "阶段2 尾款", words.price())
        pair(page, "配送方式", words.pick("快递 免邮", "送货上门 ¥0", "自提"))
        pair(page, words.pick("订单备注", "买家留言", "发票"), words.pick("无备注>", "建议与商家协商>", "不开发票>"))
    with page.card():
        choices(page, words.few("payments", 3, 4), title="付款方式", marked=0)
    foot_buttons(page, [f"合计{words.price()}", words.pick("提交订单", "支付定金", "去支付", "立即付款")])


@family(BILL, app="alipay")
def credit_bill(page: Page) -> None:
    """A month's bill of a credit line."""
    words = page.words
    title_bar(page, words.pick("花呗账单", "我的花呗", "本月账单", "借呗", "月付"))
    banner(
        page,
        words.price(sign=""),
        [words.pick("本月应还(元)", "剩余待还(元)", "可用额度(元)"), words.pick("每月10日还款", "已还清")],
    )
    tabs(page, words.pick("已出账,未出账", "全部账单,分期,还款记录").split(","))
    with page.card():
        for index in range(6):
            pair(
                page,
                words.pick(words.shop, "淘宝-" + words.product().noun, "退款-" + words.shop, "超市"),
                words.pick("", "-") + words.price(),
            )
            note(page, words.stamp(30 * index, "%m-%d") + words.pick(" 消费", " 分期3/12期", " 已退款", " 待还"))
    foot_buttons(page, words.pick("立即还款", "提前还款,分期还", "查看历史账单").split(","))


@family(BILL)
def points_ledger(page: Page) -> None:
    """Coins and points: what came and went."""
    words = page.words
    title_bar(page, words.pick("淘金币明细", "积分明细", "金币账户", "我的积分", "会员积分", "淘气值"))
    banner(
        page,
        words.number(4),
        [words.pick("我的淘金币", "可用积分", "当前淘气值"), words.pick("年底清零", "100金币抵1元")],
    )
    tabs(page, ["全部", "收入", "支出"])
    with page.card():
        for index in range(8):
            pair(
                page,
                words.pick("购物奖励", "签到", "下单抵扣", "退款返还", "活动赠送", "积分过期", "评价奖励"),
                words.pick("+", "-") + words.number(2),
            )
            note(page, words.stamp(40 * index))


@family(BILL)
def my_page(page: Page) -> None:
    """我的: the user's own page with counters, orders, assets."""
    words = page.words
    page.gradient(0, 170, page.theme.accent_2, page.theme.page)
    status_bar(page, colour=page.theme.accent_2)
    page.oval(44, page.y + 40, 28, (200, 190, 180))
    page.text(84, page.y + 22, words.say("nicknames"), 18, bold=True, private=True)
    page.text(84, page.y + 48, words.pick("淘气值 812 >", "88VIP会员", "普通会员 · 去开通"), 12)
    page.y += 82
    with page.card():
        icons(page, [f"{page.rng.randint(0, 99)} " + name for name in ("收藏", "关注", "足迹", "红包卡券")])
    with page.card():
        heading(page, "我的订单", "全部>")
        icons(page, ["待付款", "待发货", "待收货", "待评价", "退款/售后"], 5)
    with page.card():
        heading(page, words.pick("我的资产", "我的钱包", "账户资产"))
        icons(
            page, words.some(["红包 5.2", "优惠券 12", "淘金币", "余额 0.00", "花呗", "礼品卡", "购物金", "积分"], 4, 8)
        )
    tab_bar(page, ["首页", "视频", "消息", "购物车", "我的淘宝"], 4)


@family(BILL)
def gift_card(page: Page) -> None:
    """Shopping money, gift cards and deposits in the account."""
    words = page.words
    title_bar(page, words.pick("购物金", "礼品卡", "我的储值", "淘礼金", "会员卡包", "保证金账户"), right=["明细"])
    banner(page, words.price(), [words.pick("购物金余额", "账户余额", "可用金额"), words.shop])
    rows(
        page,
        ("充值本金", words.price()),
        ("赠送金额", words.price()),
        ("有效期至", words.stamp(-5000, "%Y.%m.%d")),
        keep=0.9,
    )
    with page.card():
        heading(page, words.pick("使用记录", "变动明细", "交易记录"))
        for index in range(5):
            pair(
                page,
                words.pick("消费抵扣", "充值", "退款退回", "赠送到账"),
                words.pick("+", "-") + words.price(),
                colour=page.theme.accent,
            )
            note(page, words.stamp(70 * index))
    foot_buttons(page, words.pick("申请退款,去充值", "提现", "去使用").split(","))


@family(BILL, weight=0.8)
def held_coupons_tabs(page: Page) -> None:
    """Coupons already held, used, expired."""
    words = page.words
    title_bar(page, words.pick("优惠券", "卡券包", "红包", "我的卡券"), right=["使用说明"])
    tabs(page, [f"可使用({page.rng.randint(0, 30)})", "已使用", "已过期"], page.rng.randint(0, 2))
    action = words.pick("去使用", "已使用", "已过期", "待生效")
    for _ in range(5):
        coupon(
            page,
            f"¥{page.rng.randint(1, 60)}",
            words.pick("无门槛", "满99可用", "满299可用"),
            words.say("coupon_names"),
            action,
            sub="有效期至" + words.stamp(-99, "%Y.%m.%d %H:%M"),
        )


def _under(page: Page) -> None:
    page.rng.choice((confirm_order, product_top, cart))(page)


@family(FAIL)
def error_toast_anywhere(page: Page) -> None:
    """A toast over the order, the product or the cart."""
    _under(page)
    toast(page, page.words.say("buy_errors"), y=page.height * page.rng.uniform(0.2, 0.6))


@family(FAIL)
def error_dialog_anywhere(page: Page) -> None:
    """A dialog over the order, the product or the cart."""
    words = page.words
    _under(page)
    dialog(
        page,
        words.pick("", "提示", "无法购买", "提交失败", "下单失败", "温馨提示", "抱歉"),
        words.say("buy_errors"),
        words.pick("我知道了", "确定", "取消,重试", "返回,修改地址", "返回修改,继续", "知道了").split(","),
    )


@family(FAIL)
def goods_invalid_sheet(page: Page) -> None:
    """Some goods of the order cannot be bought: they are listed in a panel."""
    words = page.words
    confirm_order(page)
    with sheet(
        page,
        page.rng.uniform(260, 380),
        words.pick("以下商品无法购买", "部分商品库存不足", "以下商品不支持配送", "商品失效提醒"),
    ):
        note(page, words.say("buy_errors"), colour=page.theme.accent)
        for _ in range(page.rng.randint(1, 2)):
            goods(page, words.product(), tags=[words.pick("无货", "限购", "超出配送范围", "已下架")])
        button(page, 18, page.height - 56, 156, words.pick("返回购物车", "更换地址"), main=False, height=38)
        button(page, 186, page.height - 56, 156, words.pick("移除商品", "继续结算", "我知道了"), height=38)


@family(FAIL)
def risk_page(page: Page) -> None:
    """The order was refused: verification, risk, or a crowd."""
    words = page.words
    title_bar(page, words.pick("提交订单", "确认订单", "温馨提示", ""))
    page.gap(80)
    empty_picture(
        page,
        words.pick("无法下单", "下单失败", "提交失败", "抱歉，无法购买", "购买失败"),
        size=80,
        sub=words.say("buy_errors") + words.pick("", "(错误码F-10007)", "(errorCode:B-00034)"),
    )
    buttons(page, words.pick("返回,刷新", "联系客服,重新下单", "去验证,返回").split(","))


@family(FAIL, weight=0.8)
def cart_cannot_settle(page: Page) -> None:
    """Settling the cart fails: a notice band over it."""
    words = page.words
    cart(page)
    page.veil(0.3)
    page.popup = True
    page.y = page.height * page.rng.uniform(0.2, 0.5)
    band(page, words.say("buy_errors")[:22], (70, 70, 74), 56, 15)
    if words.chance(0.4):
        chips(page, ["看看相似", "无法结算", "重新选择"])
