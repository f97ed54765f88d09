"""Paying: freight, order form, cashier, results."""

from __future__ import annotations

from kdsl.world.screens.page import WIDTH, Page
from kdsl.world.screens.theme import WHITE
from kdsl.world.screens.toolkit import ORDER_TABS
from kdsl.world.screens.tracking import PROMISES
from kdsl.world.screens.words import Words


def freight_fee(page: Page, words: Words) -> None:
    """支付费用: the freight of a parcel that the user sends."""
    rng = page.rng
    fee = round(rng.uniform(6, 60), 1)
    page.title_bar(words.pick("支付费用|支付费用|驿站寄件|费用明细"))
    if words.chance(0.3):
        page.note("  88VIP包退货运费生效中")
    with page.card():
        page.centred(page.y, "支付费用", 18, bold=True)
        page.centred(page.y + 26, "请核对价格", 12, page.theme.muted)
        page.y += 50
        page.pair(words.pick("基础运费|基础运费|运费险订单优惠价"), f"{fee:.2f}元")
        size = words.chance(0.4)
        page.pair("计费类型", "按体积计费" if size else "按重量计费")
        weight = rng.randint(1, 12)
        page.pair(
            "计费体积" if size else words.pick("计费重量|实际重量"),
            f"{rng.randint(20, 90)}cm*{rng.randint(20, 60)}cm*{rng.randint(10, 50)}cm" if size else f"{weight}.00kg",
        )
        page.note(words.pick("不到1kg时按1kg收费|体积重按长宽高折算后进位|超出1kg的部分另算续重"))
        page.pair("首重价格① 1kg内价格", f"{rng.uniform(6, 14):.2f}元")
        if weight > 1:
            page.pair("续重价格 每1kg收取2.40元 不足1kg算1kg", f"{(weight - 1) * 2.4:.2f}元")
        page.pair(words.pick("运费险|88VIP退货包运费|菜鸟裹裹和运费险一起抵"), words.pick("暂不可用|-25.00元>|-9.30元"))
        if words.chance(0.5):
            page.note("运费不能先替您垫付。买过运费险的，付完运费再到退款页申请理赔就行")
        page.pair("选择优惠", "暂无优惠券可用")
    with page.card():
        page.centred(page.y, ">>运费算得不对？<<", 13, (60, 110, 200))
        page.centred(page.y + 20, words.pick("运费付过了、收多了等|联系站点"), 11, page.theme.muted)
        page.y += 38
    if words.chance(0.3):
        with page.card():
            page.heading("88VIP会员·退货运费不限次数", "¥8.8")
            page.note("下月起自动续费，随时能关")
    page.foot_buttons(["立即支付"])
    page.centred(page.height - 84, f"实际支付¥{fee:.2f}", 14, bold=True)


def confirm_order(page: Page, words: Words) -> None:
    """确认订单: goods, delivery, discounts, 提交订单."""
    page.title_bar(words.pick("确认订单|确认订单|10+人刚刚抢购"))
    with page.card():
        page.pair(words.address(), ">", private=True)
    product = words.product()
    with page.card():
        page.heading(words.shop)
        page.goods(product, tags=words.some(PROMISES, 1, 3))
        page.pair("配送服务", words.pick("快递 包邮 送运费险 48小时内发货|快递 免邮|快递 包邮 5天内发货"))
        page.pair("店铺优惠", words.pick(f"减{words.price()}", "暂无可用>"))
        if words.chance(0.5):
            page.pair("开具发票", "本次不开具发票>")
        page.pair("订单备注", "无备注>")
    if words.chance(0.5):
        with page.card():
            page.heading(words.pick("顺手买1件新品|顺手买一件"), "换一换")
            page.goods(words.product(), count=None)
    with page.card():
        page.heading("价格明细")
        page.pair("商品总价 共1件宝贝", words.price(product.price))
        page.pair(words.pick("红包|店铺优惠|官方立减"), "减" + words.price())
    if words.chance(0.4):
        ways(page, words)
    page.foot_buttons([words.pick("提交订单|提交订单|立即支付")], left=[])
    top = page.height - 62
    page.fill(0, top, 220, page.height, page.theme.card)
    page.text(16, top + 12, f"1款，共1件 合计:{words.price(product.price)}", 13, page.theme.accent, bold=True)
    page.text(16, top + 32, f"共减{words.price()}", 11, page.theme.accent)


def ways(page: Page, words: Words) -> None:
    with page.card():
        for way in words.some(
            "支付宝 ✓|花呗 分期|余额宝|微信支付|先用后付 0元下单|找朋友帮忙付|银行卡支付|"
            "号码保护 收件人手机号不会让别人看到",
            3,
            5,
        ):
            page.pair(way, "○")
            if "找朋友" in way:
                page.note("请别人付，买东西省事")


def cashier(page: Page, words: Words) -> None:
    """The cashier: amount, ways to pay, 确认付款; perhaps a password pad."""
    page.title_bar(words.pick("确认付款|收银台|支付订单|选择付款方式"))
    with page.card():
        page.centred(page.y + 6, words.price(), 30, bold=True)
        page.y += 48
        page.pair("订单信息", words.pick("淘宝购物", "天猫购物", words.shop))
        page.pair("付款方式", words.pick("花呗>", "余额宝>", "储蓄卡(" + words.number(4) + ")>"))
    ways(page, words)
    page.foot_buttons([words.pick("确认付款|立即付款|确认支付|继续付款")])
    if words.chance(0.35):
        with page.sheet(page.height - 420, "请输入支付密码"):
            for index in range(6):
                page.fill(40 + index * 47, page.y + 8, 80 + index * 47, page.y + 48, None, 4, page.theme.muted)
            page.centred(page.y + 66, "忘记密码?", 13, page.theme.accent)
            for index, key in enumerate("123456789·0×"):
                page.text(60 + 120 * (index % 3), page.y + 120 + 54 * (index // 3), key, 24, align="c")


def waiting_bill(page: Page, words: Words) -> None:
    """A bill that waits to be paid."""
    page.title_bar("账单详情")
    with page.card():
        page.oval(WIDTH / 2, page.y + 22, 20, page.theme.accent_2)
        page.y += 50
        page.centred(page.y, words.shop, 14, private=True)
        page.centred(page.y + 24, "-" + words.price(sign=""), 28, bold=True)
        page.centred(page.y + 60, words.pick("等待付款|等待付款|支付成功"), 14, page.theme.accent)
        page.y += 84
        page.pair("创建时间", words.stamp(3))
        page.pair("付款方式", words.pick("余额宝>|花呗>"))
        page.pair("商品说明", words.product().title, private=True)
        page.pair("订单号", words.order(), private=True)
    with page.card():
        page.heading("账单管理")
        page.pair("账单分类", words.pick("日用百货>|退款>"))
        page.pair("标签和备注", "添加>")
        page.note("对此订单有疑问")
    page.foot_buttons([words.pick("立即付款|继续付款")])


def freight_order(page: Page, words: Words) -> None:
    """A sent parcel's order with the freight that was paid."""
    fee = f"{page.rng.choice((8, 10, 12, 14, 18.5)):.2f}"
    page.title_bar("订单详情")
    page.heading(words.pick("即将开始运输>|已签收>|快递员已揽收>"))
    page.note(words.pick("快递网点发件后会开始运输|欢迎下次再来|站点已揽收，马上发往下站|菜鸟驿站收下包裹，等待运走"))
    with page.card():
        page.pair("菜鸟裹裹全程有保障", "去看看")
        page.note("寄件时有不明白的，可以问寄件助手")
    with page.card():
        page.pair("寄", words.address(), private=True)
        page.pair("收", words.address(), private=True)
        page.pair("订单编号", words.number(15) + " 复制", private=True)
        page.pair("下单时间", words.stamp(20))
        if words.chance(0.5):
            page.pair("物品类型", words.pick("日用品|服饰|数码产品"))
        page.note(words.pick("收起へ|展开更多√"))
    with page.card():
        page.heading(words.pick(f"已付{fee}元", f"已付运费{fee}元"), "费用明细")
    with page.card():
        page.heading("菜鸟裹裹平台权益")
        page.note("优惠券  丢损必赔 保障中  隐私保护 保障中  超时赔")
        page.note("面单信息保护 一键查看")


def pay_result(page: Page, words: Words) -> None:
    """支付成功 or 支付失败."""
    good = words.chance(0.7)
    page.title_bar(words.pick("支付结果|支付完成|交易结果"), right=["完成"])
    page.empty_picture(
        words.pick("支付成功|付款成功|支付完成") if good else words.pick("支付失败|付款失败"),
        sub=words.price() if good else words.pick("银行卡余额不足，请更换付款方式|支付遇到问题，请稍后重试"),
    )
    with page.card():
        page.pair("收款方全称", words.shop, private=True)
        page.pair("付款方式", words.pick("花呗|余额宝|银行卡"))
        page.pair("支付奖励", words.pick("支付立减2元 去看看|已获得蚂蚁森林能量"))
    page.buttons(["查看订单", "返回首页"] if good else ["更换付款方式", "重新支付"])
    page.strip(words.pick("支付有福利|生活服务>"), 1)


def pay_for_friend(page: Page, words: Words) -> None:
    """找朋友帮忙付 and other panels while paying."""
    confirm_order(page, words)
    with page.sheet(page.rng.uniform(240, 380), words.pick("选择支付方式|付款方式|立即支付")):
        for way in ("支付宝", "花呗分期 3期免手续费", "先用后付", "找朋友帮忙付"):
            page.pair(way, "○")
        page.note("提交订单后尽快支付，订单将在30分钟后关闭")
        page.button(18, page.height - 60, WIDTH - 36, f"立即支付{words.price()}", height=38)


def wechat_pay(page: Page, words: Words) -> None:
    """A payment in another wallet."""
    page.title_bar(words.pick("支付|确认交易|支付成功"), centred=True)
    page.y += 30
    page.centred(page.y, words.pick(words.shop, "商户收款", "扫码付款"), 15)
    page.centred(page.y + 30, words.price(), 34, bold=True)
    page.y += 90
    page.pair("收款方", words.shop, private=True)
    page.pair("付款方式", words.pick("零钱", "零钱通", "储蓄卡(" + words.number(4) + ")"))
    page.pair("支付时间", words.stamp())
    page.pair("交易单号", words.number(20), private=True)
    page.foot_buttons([words.pick("立即支付|确认支付|完成")])


def buy_panel(page: Page, words: Words) -> None:
    """The panel that takes order and payment in one: address, choice, ways to pay."""
    product = words.product()
    page.status_bar()
    page.thing(0, page.y, WIDTH, 130, product.thing)
    with page.sheet(110, words.pick("|10+人刚刚抢购")):
        page.pair(words.address(), ">", private=True)
        page.note(words.pick("快递 包邮 运费险 两天内发货|快递 包邮 24小时内发货"))
        page.goods(product)
        page.pair(f"实付{words.price(product.price)}", "查看明细>", colour=page.theme.accent)
        page.pair(words.pick("颜色|款式"), "- 1 +")
        ways(page, words)
    page.foot_buttons([words.pick("立即支付", "立即支付" + words.price(product.price), "免密支付")])


def unpaid_orders(page: Page, words: Words) -> None:
    """Orders that wait for payment."""
    page.search_bar("搜索订单", words.pick("|我的包裹"))
    page.tabs(ORDER_TABS, page.rng.choice((0, 1)))
    for _ in range(page.rng.randint(1, 3)):
        with page.card():
            page.heading(words.shop, "等待买家付款")
            page.goods(words.product())
            page.pair(words.pick("剩23小时59分自动关闭|"), "需付款" + words.price())
            page.buttons(["更多", "修改地址", "找人付", words.pick("付款|继续付款")])


def ways_sheet(page: Page, words: Words) -> None:
    """Ways to pay, banks and instalments in a panel."""
    confirm_order(page, words)
    with page.sheet(page.rng.uniform(140, 260), words.pick("选择付款方式|更换付款方式|支付方式|付款")):
        page.centre(words.price(), 26, bold=True)
        page.gap(4)
        page.choices(words.few("payments", 5, 8), marked=page.rng.randint(0, 3))
        page.note(words.pick("免密支付已开启|支付即同意《付款协议》|优惠：立减0.5元"))
        page.button(18, page.height - 56, WIDTH - 36, words.pick("确认付款|立即支付|确认交易"), height=38)


def instalments(page: Page, words: Words) -> None:
    """Paying in parts: periods, fees, credit left."""
    total = page.rng.uniform(200, 6000)
    page.title_bar(words.pick("花呗分期|分期付款|确认付款|选择分期"))
    with page.card():
        page.centre(f"¥{total:.2f}", 30, bold=True)
        page.gap(6)
        parts = [
            f"¥{total / count:.2f} x {count}期  {words.pick('免手续费|手续费¥1.20/期')}" for count in (3, 6, 12, 24)
        ]
        page.choices(["不分期，下月还", *parts], title="分期方案", marked=page.rng.randint(0, 4))
    page.rows(("可用额度", words.price()), ("首次还款日", words.stamp(-700, "%m月%d日")), ("收款方", words.shop))
    page.foot_buttons([words.pick("确认付款|同意协议并付款|立即支付")])


def password_or_face(page: Page, words: Words) -> None:
    """Confirming by face, finger or a code sent by message, or a payment that did not go through."""
    page.title_bar(words.pick("付款|安全验证|支付宝付款|收银台"))
    with page.card():
        page.centre(words.shop, 14)
        page.centre(words.price(), 30, bold=True)
        page.gap(6)
        page.pair("付款方式", words.say("payments"))
    if words.chance(0.5):
        with page.sheet(380, words.pick("请验证指纹|面容支付|输入短信验证码|输入支付密码")):
            page.oval(WIDTH / 2, page.y + 50, 36, None, page.theme.accent)
            page.y += 104
            page.centre(words.pick("使用密码支付|重新获取(52s)|换个验证方式"), 14, page.theme.accent)
        return
    page.dialog(
        words.pick("|付款失败|支付遇到问题|提示"),
        words.pick(
            "余额不足，请更换付款方式|是否放弃本次付款？|当前支付方式不可用，请换一种方式|"
            "本次交易存在风险，已拦截付款|您是否已完成支付？"
        ),
        words.pick("放弃,继续付款|更换付款方式|未支付,已完成支付").split(","),
    )


def paid_page(page: Page, words: Words) -> None:
    """After paying: thanks, what follows, rewards."""
    page.gradient(0, 200, page.theme.accent, page.theme.accent_2)
    page.status_bar(colour=page.theme.accent, ink=WHITE)
    page.y += 24
    page.centre(words.pick("支付成功|付款成功|下单成功|您已付款|预售定金支付成功"), 24, WHITE, bold=True)
    page.centre(words.pick("实付|共支付") + words.price(), 14, WHITE)
    page.y = 160
    with page.card():
        page.pair("收货信息", words.address(), private=True)
        page.buttons(["查看订单", words.pick("返回首页|继续逛逛")], None)
    with page.card():
        page.heading(words.pick("付款有礼|恭喜获得|本单返"), "规则")
        page.note(words.pick("红包已放入卡券包|淘金币+20|收货后返1.2元"))
    page.strip(words.pick("买了的人还买|猜你喜欢"), 1)


def preorder_pay(page: Page, words: Words) -> None:
    """Deposit and balance, delivery time, shop notes before 提交订单."""
    page.title_bar(words.pick("确认订单|提交订单|填写订单|结算"))
    with page.card():
        page.pair(words.address(), ">", private=True)
    with page.card():
        page.heading(words.shop)
        page.goods(words.product())
        page.pair("阶段1 定金", words.price())
        page.pair("阶段2 尾款", words.price())
        page.pair("配送方式", words.pick("快递 免邮|送货上门 ¥0|自提"))
        page.pair(words.pick("订单备注|买家留言|发票"), words.pick("无备注>|建议与商家协商>|不开发票>"))
    with page.card():
        page.choices(words.few("payments", 3, 4), title="付款方式", marked=0)
    page.foot_buttons([f"合计{words.price()}", words.pick("提交订单|支付定金|去支付|立即付款")])
