"""Orders that fail while they are placed."""

from __future__ import annotations

from kdsl.world.screens.cart import cart
from kdsl.world.screens.orders import order_detail
from kdsl.world.screens.page import WIDTH, Page
from kdsl.world.screens.payment import confirm_order
from kdsl.world.screens.product_page import product_top
from kdsl.world.screens.theme import WHITE
from kdsl.world.screens.words import Words


def failed_sheet(page: Page, words: Words) -> None:
    """购买失败 in a panel over the order form."""
    confirm_order(page, words)
    title = words.pick("购买失败|购买失败|抱歉，购买失败了")
    with page.sheet(page.height * page.rng.uniform(0.5, 0.62), "", close=words.chance(0.2)):
        page.y -= 20
        page.empty_picture(title, size=64, sub=words.say("failures"))
        page.button(18, page.height - 66, WIDTH - 36, "我知道了", height=38)


def failed_dialog(page: Page, words: Words) -> None:
    """购买失败 in a box in the middle."""
    words.rng.choice((confirm_order, order_detail))(page, words)
    page.veil()
    page.popup = True
    page.fill(60, 200, WIDTH - 60, 480, page.theme.card, 12)
    page.y = 208
    page.empty_picture(words.pick("购买失败|抱歉，购买失败了|下单失败"), size=70, sub=words.say("failures")[:24])
    page.button(80, 430, WIDTH - 160, "我知道了", height=36)


def failed_toast(page: Page, words: Words) -> None:
    """A toast over the order form."""
    confirm_order(page, words)
    page.toast(words.say("failures"))


def refused_dialog(page: Page, words: Words) -> None:
    """A system dialog that refuses the order."""
    page.rng.choice((confirm_order, order_detail))(page, words)
    text = words.pick(
        "抱歉，信用评估未通过，请换一种方式购买。|这个收货地址不支持配送，换一个试试|"
        "超过限购件数，兑换不了|您的收货地址暂不参与本次活动|"
        "部分商品失效或库存不足，请返回购物车重新确认|"
        "当前参与活动人数太多，请稍后再试(errCode)"
    )
    page.dialog(words.pick("|提示|温馨提示"), text, [words.pick("确定|我知道了|返回")])


def cannot_buy_page(page: Page, words: Words) -> None:
    """The whole page is the failure."""
    page.title_bar(words.pick("确认订单|下单失败|订单详情"))
    page.y += 90
    page.empty_picture(words.pick("购买失败|下单失败|提取错误|商品无法购买"), size=90, sub=words.say("failures"))
    page.buttons(["返回", "找相似"])
    page.foot_buttons(["我知道了"])


def option_failed(page: Page, words: Words) -> None:
    """A failure while choosing options."""
    page.status_bar()
    page.thing(0, page.y, WIDTH, 300)
    product = words.product()
    with page.sheet(240):
        page.goods(product)
        for key, values in product.options.items():
            page.heading(key)
            page.note("   ".join(values), colour=page.theme.ink)
        page.pair("数量", words.pick("(限购1件)|有货"))
    page.foot_buttons(["立即购买"])
    words.pick("|")
    if words.chance(0.5):
        page.toast(words.say("failures"))
    else:
        page.dialog(words.pick("抱歉，购买失败了|购买失败"), words.say("failures"), ["我知道了"])


def sold_out(page: Page, words: Words) -> None:
    """Sold out at the last step."""
    confirm_order(page, words)
    with page.sheet(380, words.pick("商品已抢光|库存不足|抱歉，购买失败了")):
        page.note(words.say("failures"), colour=page.theme.ink)
        page.goods(words.product())
        page.button(18, page.height - 66, 156, words.pick("返回|逛逛"), main=False, height=38)
        page.button(184, page.height - 66, 158, words.pick("找相似|看看其他"), height=38)


def queueing(page: Page, words: Words) -> None:
    """Too many buyers: a crowd page over a dark veil."""
    confirm_order(page, words)
    page.veil(0.7)
    page.popup = True
    page.centred(330, words.pick("当前人数过多|活动太火爆了"), 20, WHITE, bold=True)
    page.centred(366, words.pick("下单人数太多，请再试|前方拥挤，正在为您排队"), 14, WHITE)
    page.button(100, 410, 160, words.pick("我知道了|刷新重试"), height=36)


def _page_beneath(page: Page) -> None:
    """The page that the failure shows up over."""
    page.rng.choice((confirm_order, product_top, cart))(page, page.words)


def error_toast_anywhere(page: Page, words: Words) -> None:
    """A toast over the order, the product or the cart."""
    _page_beneath(page)
    page.toast(words.say("buy_errors"), y=page.height * page.rng.uniform(0.2, 0.6))


def error_dialog_anywhere(page: Page, words: Words) -> None:
    """A dialog over the order, the product or the cart."""
    _page_beneath(page)
    page.dialog(
        words.pick("|提示|无法购买|提交失败|下单失败|温馨提示|抱歉"),
        words.say("buy_errors"),
        words.pick("我知道了|确定|取消,重试|返回,修改地址|返回修改,继续|知道了").split(","),
    )


def goods_invalid_sheet(page: Page, words: Words) -> None:
    """Some goods of the order cannot be bought: they are listed in a panel."""
    confirm_order(page, words)
    with page.sheet(
        page.rng.uniform(260, 380), words.pick("以下商品无法购买|部分商品库存不足|以下商品不支持配送|商品失效提醒")
    ):
        page.note(words.say("buy_errors"), colour=page.theme.accent)
        for _ in range(page.rng.randint(1, 2)):
            page.goods(words.product(), tags=[words.pick("无货|限购|超出配送范围|已下架")])
        page.button(18, page.height - 56, 156, words.pick("返回购物车|更换地址"), main=False, height=38)
        page.button(186, page.height - 56, 156, words.pick("移除商品|继续结算|我知道了"), height=38)


def risk_page(page: Page, words: Words) -> None:
    """The order was refused: verification, risk, or a crowd."""
    page.title_bar(words.pick("提交订单|确认订单|温馨提示|"))
    page.gap(80)
    page.empty_picture(
        words.pick("无法下单|下单失败|提交失败|抱歉，无法购买|购买失败"),
        size=80,
        sub=words.say("buy_errors") + words.pick("|(错误码F-10007)|(errorCode:B-00034)"),
    )
    page.buttons(words.pick("返回,刷新|联系客服,重新下单|去验证,返回").split(","))


def cart_cannot_settle(page: Page, words: Words) -> None:
    """Settling the cart fails: a notice band over it."""
    cart(page, words)
    page.veil(0.3)
    page.popup = True
    page.y = page.height * page.rng.uniform(0.2, 0.5)
    page.band(words.say("buy_errors")[:22], (70, 70, 74), 56, 15)
    if words.chance(0.4):
        page.chips(["看看相似", "无法结算", "重新选择"])
