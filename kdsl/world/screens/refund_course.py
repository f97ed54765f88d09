"""The course of a refund: its reason, the seller's offer, the cancelled order, the way of the money, the record."""

from __future__ import annotations

from kdsl.world.screens.page import WIDTH, Page
from kdsl.world.screens.words import Words


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
