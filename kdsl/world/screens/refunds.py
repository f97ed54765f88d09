"""Refunds: money comes back, nothing has to be sent."""

from __future__ import annotations

from kdsl.world.screens.page import WIDTH, Page
from kdsl.world.screens.theme import WHITE
from kdsl.world.screens.toolkit import ORDER_TABS
from kdsl.world.screens.words import Words

SERVICES = ("7天无理由退换", "7天无理由退货", "极速退款", "88VIP退货包运费")


def services(page: Page, words: Words, *, refund: bool = True) -> None:
    """我的服务: what insurance and promises still hold."""
    with page.card():
        page.heading(words.pick("我的服务|权益保障"))
        if words.chance(0.7):
            word = "退款" if refund else "换货"
            value = words.pick(
                f"卖家{word}成功后，系统会帮您理赔",
                "运费险正在理赔，点开看进度>",
                "上门取件付运费时，运费险已抵扣",
                ">",
            )
            page.pair(words.pick("运费险|退货运费险"), value)
        if words.chance(0.6):
            page.pair(
                page.rng.choice(SERVICES), words.stamp(-90, "%-m月%-d日24点前可享") + words.pick("| 拆封后不支持")
            )


def refund_info(page: Page, words: Words, *, history: bool = True, kind: str = "退款") -> None:
    """退款信息: goods, reason, amount, count, times, number."""
    product = words.product()
    with page.card():
        page.heading(f"{kind}信息")
        page.goods(product, price=False, count=None)
        rows = [
            (f"{kind}原因", words.say("reasons"), False),
            (f"{kind}金额", words.price(product.price), False),
            ("申请件数", "1", False),
            ("申请时间", words.stamp(50), False),
            (f"{kind}编号", words.number(18), True),
        ]
        for key, value, private in rows[: page.rng.randint(2, 5)]:
            page.pair(key, value, private=private)
        if history:
            page.pair("协商历史", "点击查看>")
        page.text(WIDTH / 2, page.y, words.pick("收起^|查看全部|查看全部﹀"), 12, page.theme.muted, align="c")
        page.y += 16


def money(page: Page, words: Words, amount: float) -> None:
    """Where the money went."""
    if words.chance(0.5):
        page.pair(words.pick("退款总金额|退款金额"), words.price(amount))
    page.pair(
        words.pick("退回支付宝余额|退回余额宝|恢复信用额度|退回银行卡|退回花呗|退回微信零钱"), words.price(amount)
    )
    if words.chance(0.3):
        page.pair("退优惠券", "1张券")


def refund_done(page: Page, words: Words) -> None:
    """退款详情 with money on its way back."""
    amount = words.product().price
    page.title_bar(words.pick("退款详情|退款详情|售后详情"))
    with page.card():
        page.heading(
            words.pick("退款成功|退款成功|退款关闭|退款中"), words.price(amount), colour=page.theme.accent, size=19
        )
        page.note(words.stamp(5, "%Y年%-m月%-d日 %H:%M") + words.pick("| 平台同意您申请退款。"))
        money(page, words, amount)
        page.button(page.left, page.y, page.right - page.left, "查看钱款去向", main=False)
        page.y += 36
    services(page, words)
    if words.chance(0.5):
        with page.card():
            page.heading("协商历史", ">")
    refund_info(page, words)
    if words.chance(0.5):
        page.foot_buttons(words.some("删除记录|钱款去向|联系商家|售后评价", 2, 3), None)
    else:
        page.strip("不喜欢这件？看看大家都在买什么", 1)


def money_sheet(page: Page, words: Words) -> None:
    """The panel 钱款去向详情 over the refund page."""
    amount = words.product().price
    refund_done(page, words)
    with page.sheet(page.rng.uniform(260, 430), "钱款去向详情"):
        page.pair("退款总金额", words.price(amount), colour=page.theme.accent)
        page.pair(words.pick("退回支付宝余额|恢复信用额度|退回余额宝"), words.price(amount))
        page.timeline(
            [("已到账", words.short(1), ""), ("支付宝处理中", words.short(2), ""), ("卖家同意退款", words.short(3), "")]
        )
        page.y = page.height - 70
        page.button(18, page.y, WIDTH - 36, "我知道了", height=38)


def apply_refund(page: Page, words: Words) -> None:
    """The form: reason, amount, proof."""
    product = words.product()
    page.title_bar(words.pick("申请退款|申请退货退款|申请退款|申请仅退款"))
    with page.card():
        page.goods(product, count=None)
    with page.card():
        page.pair("服务类型*", words.pick("仅退款>|退货退款>|我要退款(无需退货)>"))
        if words.chance(0.5):
            page.pair("货物状态*", words.pick("未收到货>|已收到货>"))
        page.pair("退款原因*", words.pick("请选择>", words.say("reasons") + ">"))
        page.pair("退款金额*", words.price(product.price) + " 修改", colour=page.theme.accent)
        page.note(f"最多可退{words.price(product.price)}，含发货邮费¥0.00")
        if words.chance(0.5):
            page.pair("退货方式", "菜鸟裹裹>")
            page.note("不用写地址，包装免费，报号就能寄")
            page.pair("上门时间*", words.stamp(-20, "%Y-%m-%d 15:00-17:00") + ">")
            page.pair("我的地址", words.address(), private=True)
    with page.card():
        page.heading("补充描述和凭证")
        page.note(words.pick("多写几句，商家能更快明白是什么问题|请您详细填写申请说明"))
        page.fill(page.left, page.y, page.left + 64, page.y + 64, None, 6, page.theme.muted)
        page.text(page.left + 32, page.y + 40, words.pick("上传凭证|最多3张"), 9, page.theme.muted, align="c")
        page.text(page.right, page.y + 54, "0/200", 11, page.theme.muted, align="r")
        page.y += 68
    if words.chance(0.4):
        page.note("  芝麻分高 退款更快")
    page.foot_buttons(["提交"])
    if words.chance(0.25):
        text = words.pick("这笔订单不能退货退款!|退款金额不能大于实付金额|您的退款申请已提交|亲，请先选择退款原因")
        page.dialog("", text, [words.pick("确定|我知道了")])


def negotiation(page: Page, words: Words) -> None:
    """协商历史: what system, buyer and seller did."""
    page.title_bar("协商历史")
    amount = words.price()
    entries = [
        ("系统", f"【标题】卖家同意申请\n【内容】退款成功，退款金额：{amount}"),
        ("系统", "【标题】上门取件：已经取走\n【内容】上门取件：快递员取走了。"),
        ("系统", "【标题】上门取件：有人接单\n【内容】上门取件：快递员接单了。"),
        (
            "买家",
            f"发起了退款申请\n退款类型：{words.pick('仅退款|退货退款')}\n"
            f"退款金额：{amount}\n退款原因：{words.say('reasons')}",
        ),
        ("卖家", "【标题】卖家拒绝了退款申请\n【内容】拒绝原因：商品没有质量问题"),
        ("买家", "买家修改了退款申请\n退款描述：商品不合适，申请退款"),
        ("系统", "买家信用良好，享受闪电退款"),
    ]
    for index, (who, text) in enumerate(page.rng.sample(entries, page.rng.randint(4, 6))):
        with page.card():
            page.oval(page.left + 12, page.y + 12, 12, page.theme.accent_2)
            page.text(page.left + 32, page.y, who, 13, bold=True)
            page.text(page.left + 32, page.y + 17, words.stamp(3 + 20 * index), 11, page.theme.muted)
            page.y += 36
            page.note(text, colour=page.theme.ink, most=7)
    page.foot_buttons([words.pick("联系卖家|找天猫官方客服|联系商家")], None)


def bill_refund(page: Page, words: Words) -> None:
    """Refund entries in a bill list."""
    page.title_bar(words.pick("账单|更多记录"))
    page.tabs(
        words.pick("全部,支出,转账,退款,筛选|退款记录,还款记录,历史账单").split(","), words.rng.choice((0, 3)) % 3
    )
    for month in range(page.rng.randint(1, 3)):
        with page.card():
            page.heading(f"{page.rng.randint(1, 12)}月", words.pick("收支分析|"))
            for _ in range(page.rng.randint(1, 3)):
                page.oval(page.left + 14, page.y + 16, 14, page.theme.accent)
                page.text(page.left + 14, page.y + 9, "退", 13, WHITE, align="c")
                page.text(page.left + 36, page.y, "退款-" + words.product().title, 13, private=True, width=190)
                page.text(
                    page.left + 36,
                    page.y + 19,
                    words.pick("退款", "有退款，退到额度里", "今天 16:56", words.short(30 * month)),
                    11,
                    page.theme.muted,
                )
                page.text(
                    page.right,
                    page.y + 5,
                    words.pick("0.00", "+" + words.price(sign="")),
                    15,
                    page.theme.accent,
                    align="r",
                )
                page.y += 44


def refund_list(page: Page, words: Words) -> None:
    """The list of after-sales orders."""
    page.search_bar("搜索订单")
    page.tabs(ORDER_TABS, 4)
    for _ in range(4):
        with page.card():
            page.heading(words.shop, words.pick("仅退款|退货退款|退款"))
            product = words.product()
            page.goods(product)
            page.note(
                words.pick("退款成功 |退款中 |退款关闭 |待商家处理 ") + f"退款金额:{words.price(product.price)}",
                colour=page.theme.accent,
            )
            page.buttons(["删除记录", "钱款去向", "查看详情"], None)


def choose_service(page: Page, words: Words) -> None:
    """选择售后类型: refund, return, exchange, repair, price protection."""
    page.title_bar(words.pick("选择售后类型|选择服务类型"))
    with page.card():
        page.heading("退款商品")
        page.goods(words.product())
    with page.card():
        page.heading("选择售后类型")
        kinds = [
            ("我要退款(无需退货)", "没收到货，或与卖家协商同意不用退货只退款"),
            ("我要退货退款", "已收到货，需要退还收到的货物"),
            ("维修", "货已收到，寄回去修"),
            ("价保", "买贵了，价保退差价"),
            ("我要换货", "商品存在质量问题，联系商家协商换货"),
        ]
        for name, line in page.rng.sample(kinds, page.rng.randint(2, 4)):
            page.heading(name, ">")
            page.note(line)
    services(page, words)
    page.note("  退换货规则说明")


def refund_waiting(page: Page, words: Words) -> None:
    """A refund that waits for the seller."""
    page.title_bar("退款详情")
    page.banner(words.pick("请等待商家处理|等待卖家处理退款申请|商家已同意退款|商家拒绝退款"), [words.left()])
    with page.card():
        page.note("您已成功发起退款申请，请耐心等待商家处理")
        page.note("商家同意后，将按原支付渠道退款；商家过期没处理，会自动退款")
        page.buttons(["撤销申请", "修改申请"], None)
    refund_info(page, words)
    page.foot_buttons([words.pick("联系卖家|联系商家"), words.pick("官方客服|咨询小蜜|客服介入")], None)


def refund_success_short(page: Page, words: Words) -> None:
    """A plain result: money is back."""
    page.title_bar(words.pick("退款结果|退款进度|退款详情"))
    with page.card():
        page.empty_picture("退款成功", sub=f"{words.price()}已原路退回您的{words.pick('支付宝|银行卡|花呗')}账户")
        page.pair("退款编号", words.number(18), private=True)
        page.pair("到账时间", words.stamp(2))
    page.strip("为你推荐", 2)
