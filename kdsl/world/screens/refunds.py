"""Refunds: money comes back, nothing has to be sent; their course from the reason to the record."""

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
        page.centred(page.y, words.pick("收起^|查看全部|查看全部﹀"), 12, page.theme.muted)
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


def refund_reason_sheet(page: Page, words: Words) -> None:
    """Choosing why the money shall come back, over the form."""
    page.title_bar(words.pick("申请退款|仅退款|申请退款(无需退货)"))
    with page.card():
        page.goods(words.product())
    with page.card():
        page.pair("货物状态", words.pick("请选择>|未收到货>|已收到货>"))
        page.pair("退款原因", "请选择>")
        page.pair("退款金额", words.price(), colour=page.theme.accent)
    with page.sheet(page.rng.uniform(180, 320), words.pick("退款原因|选择退款原因|为什么要退款")):
        page.choices(words.few("refund_reasons", 6, 11), marked=page.rng.choice((None, 0, 2, 4)))
        page.button(18, page.height - 56, WIDTH - 36, words.pick("确定|完成|下一步"), height=38)


def refund_money_route(page: Page, words: Words) -> None:
    """Where the money is now: platform, bank, card."""
    total = words.price()
    page.title_bar(words.pick("钱款去向|退款去向|退款进度|退款明细"))
    with page.card():
        page.centre(words.pick("退款总金额|预计退回|已退回"), 13, page.theme.muted)
        page.centre(total, 30, bold=True)
        page.gap(8)
        page.steps_bar(["商家退款", "银行受理", "退款到账"], page.rng.randint(0, 2))
    with page.card():
        for way in words.few("payments", 1, 3):
            page.pair(f"退回{way}", words.price())
            page.note(words.pick("预计1-3个工作日到账|实时到账|已到账，可在账单里核对|退回到原付款账户"))
        if words.chance(0.5):
            page.pair("退回优惠券", words.pick("已失效|1张|红包2元"))
            page.pair("退回淘金币", words.number(3))
    with page.card():
        page.heading(words.pick("没收到退款?|常见问题"))
        for text in words.some("银行卡已注销怎么办|退款多久到账|退回的红包在哪看|为什么少退了运费", 2, 4):
            page.pair(text, ">")
    page.foot_buttons(words.pick("查看账单,联系客服|我知道了|提醒银行").split(","))


def refund_counter_offer(page: Page, words: Words) -> None:
    """The seller offers part of the money."""
    page.title_bar(words.pick("协商方案|退款详情|商家提议"))
    part = words.price(page.rng.uniform(3, 60))
    page.banner(words.pick("商家发来协商方案|请确认退款方案|商家想退您一部分"), [words.left() + "后自动失效"])
    with page.card():
        page.heading(words.pick("部分退款，不用寄回|退差价|补偿退款"), part, colour=page.theme.accent)
        page.note(words.pick("商家：亲亲，给您补偿，货您留着用可以吗|商家留言：差价已算好，同意后马上打款"))
        page.pair("原申请", words.pick("仅退款|退货退款"))
        page.pair("原申请金额", words.price())
        page.buttons(["拒绝", "同意" + part])
    page.rows(("退款原因", words.say("refund_reasons")), ("申请时间", words.stamp(20)), ("退款编号", words.number(17)))
    page.foot_buttons(["联系商家", "修改申请", "撤销申请"], None)


def refund_unshipped_cancel(page: Page, words: Words) -> None:
    """Cancelling an order that was not dispatched: fast refund."""
    page.title_bar(words.pick("取消订单|申请退款|极速退款"))
    with page.card():
        page.goods(words.product(), tags=["极速退款"])
        page.note(words.pick("商家还没发货，提交后会很快退款|未发货秒退，款项原路退回"))
    with page.card():
        page.choices(words.few("refund_reasons", 4, 6), title="请选择取消原因", marked=1)
    page.rows(("退款金额", words.price()), ("退款方式", "原路退回"))
    page.foot_buttons([words.pick("暂不取消|再想想"), words.pick("确认取消并退款|提交退款申请")])
    if words.chance(0.4):
        page.dialog(
            words.pick("退款成功|确定要退款吗|提示"),
            words.pick("钱款已原路退回|退款后优惠可能无法恢复，订单将关闭|包裹已发出，需先拦截快递再退款"),
            words.pick("知道了|取消,继续退款").split(","),
        )


def refund_price_protect(page: Page, words: Words) -> None:
    """Price protection: the difference is paid back."""
    page.title_bar(words.pick("价格保护|申请价保|价保中心|一键价保"))
    page.banner(words.pick("已为您退回差价|价保申请中|申请成功，差价退回中|暂无可退差价"), ["买贵退差价"])
    with page.card():
        page.goods(words.product(), price=False)
        page.pair("购买价", words.price())
        page.pair("当前价", words.price())
        page.pair("可退差价", words.price(page.rng.uniform(1, 90)), colour=page.theme.accent)
        page.pair("退款去向", words.say("payments"))
    page.note("  付款后30天内降价可以申请，每个商品限申请几次")
    page.foot_buttons([words.pick("申请退差价|一键价保|查看退款记录")])


def refund_talk(page: Page, words: Words) -> None:
    """The record of a refund as speech."""
    page.title_bar(words.pick("协商记录|退款留言|协商历史"))
    page.bubble(f"发起仅退款申请，金额{words.price()}，原因：{words.say('refund_reasons')}", mine=True)
    page.bubble(words.pick("商家同意了退款，钱款原路返回|商家拒绝退款：包裹已在路上，请签收后再处理"))
    page.bubble(words.pick("系统：退款关闭，可在交易成功前再次申请", "系统：退款成功，退回" + words.say("payments")))
    page.foot_buttons(["留言", "查看退款详情"], None)
