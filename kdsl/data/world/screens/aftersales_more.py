"""More after-sales pages: money back, goods back, goods swapped, as other states and corners of the apps show them."""

from __future__ import annotations

from kdsl.data.world.screens.blocks import bubble, centre, choices, rows, sections, steps_bar, upload
from kdsl.data.world.screens.exchanges import EXCHANGE
from kdsl.data.world.screens.page import WIDTH, Page
from kdsl.data.world.screens.panels import dialog, empty_picture, sheet
from kdsl.data.world.screens.refunds import REFUND
from kdsl.data.world.screens.registry import family
from kdsl.data.world.screens.returns import RETURN
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
    tabs,
    timeline,
    title_bar,
)


@family(REFUND)
def refund_reason_sheet(page: Page) -> None:
    """Choosing why the money shall come back, over the form."""
    words = page.words
    title_bar(page, words.pick("申请退款", "仅退款", "申请退款(无需退货)"))
    with page.card():
        goods(page, words.product())
    with page.card():
        pair(page, "货物状态", words.pick("请选择>", "未收到货>", "已收到货>"))
        pair(page, "退款原因", "请选择>")
        pair(page, "退款金额", words.price(), colour=page.theme.accent)
    with sheet(page, page.rng.uniform(180, 320), words.pick("退款原因", "选择退款原因", "为什么要退款")):
        choices(page, words.few("refund_reasons", 6, 11), marked=page.rng.choice((None, 0, 2, 4)))
        button(page, 18, page.height - 56, WIDTH - 36, words.pick("确定", "完成", "下一步"), height=38)


@family(REFUND)
def refund_money_route(page: Page) -> None:
    """Where the money is now: platform, bank, card."""
    words = page.words
    total = words.price()
    title_bar(page, words.pick("钱款去向", "退款去向", "退款进度", "退款明细"))
    with page.card():
        centre(page, words.pick("退款总金额", "预计退回", "已退回"), 13, page.theme.muted)
        centre(page, total, 30, bold=True)
        page.gap(8)
        steps_bar(page, ["商家退款", "银行受理", "退款到账"], page.rng.randint(0, 2))
    with page.card():
        for way in words.few("payments", 1, 3):
            pair(page, f"退回{way}", words.price())
            note(page, words.pick("预计1-3个工作日到账", "实时到账", "已到账，可在账单里核对", "退回到原付款账户"))
        if words.chance(0.5):
            pair(page, "退回优惠券", words.pick("已失效", "1张", "红包2元"))
            pair(page, "退回淘金币", words.number(3))
    with page.card():
        heading(page, words.pick("没收到退款?", "常见问题"))
        for text in words.some(["银行卡已注销怎么办", "退款多久到账", "退回的红包在哪看", "为什么少退了运费"], 2, 4):
            pair(page, text, ">")
    foot_buttons(page, words.pick("查看账单,联系客服", "我知道了", "提醒银行").split(","))


@family(REFUND)
def refund_counter_offer(page: Page) -> None:
    """The seller offers part of the money."""
    words = page.words
    title_bar(page, words.pick("协商方案", "退款详情", "商家提议"))
    part = words.price(page.rng.uniform(3, 60))
    banner(page, words.pick("商家发来协商方案", "请确认退款方案", "商家想退您一部分"), [words.left() + "后自动失效"])
    with page.card():
        heading(page, words.pick("部分退款，不用寄回", "退差价", "补偿退款"), part, colour=page.theme.accent)
        note(page, words.pick("商家：亲亲，给您补偿，货您留着用可以吗", "商家留言：差价已算好，同意后马上打款"))
        pair(page, "原申请", words.pick("仅退款", "退货退款"))
        pair(page, "原申请金额", words.price())
        buttons(page, ["拒绝", "同意" + part])
    rows(page, ("退款原因", words.say("refund_reasons")), ("申请时间", words.stamp(20)), ("退款编号", words.number(17)))
    foot_buttons(page, ["联系商家", "修改申请", "撤销申请"], None)


@family(REFUND)
def refund_unshipped_cancel(page: Page) -> None:
    """Cancelling an order that was not dispatched: fast refund."""
    words = page.words
    title_bar(page, words.pick("取消订单", "申请退款", "极速退款"))
    with page.card():
        goods(page, words.product(), tags=["极速退款"])
        note(page, words.pick("商家还没发货，提交后会很快退款", "未发货秒退，款项原路退回"))
    with page.card():
        choices(page, words.few("refund_reasons", 4, 6), title="请选择取消原因", marked=1)
    rows(page, ("退款金额", words.price()), ("退款方式", "原路退回"))
    foot_buttons(page, [words.pick("暂不取消", "再想想"), words.pick("确认取消并退款", "提交退款申请")])
    if words.chance(0.4):
        dialog(
            page,
            words.pick("退款成功", "确定要退款吗", "提示"),
            words.pick("钱款已原路退回", "退款后优惠可能无法恢复，订单将关闭", "包裹已发出，需先拦截快递再退款"),
            words.pick("知道了", "取消,继续退款").split(","),
        )


@family(REFUND)
def refund_price_protect(page: Page) -> None:
    """Price protection: the difference is paid back."""
    words = page.words
    title_bar(page, words.pick("价格保护", "申请价保", "价保中心", "一键价保"))
    banner(page, words.pick("已为您退回差价", "价保申请中", "申请成功，差价退回中", "暂无可退差价"), ["买贵退差价"])
    with page.card():
        goods(page, words.product(), price=False)
        pair(page, "购买价", words.price())
        pair(page, "当前价", words.price())
        pair(page, "可退差价", words.price(page.rng.uniform(1, 90)), colour=page.theme.accent)
        pair(page, "退款去向", words.say("payments"))
    note(page, "  付款后30天内降价可以申请，每个商品限申请几次")
    foot_buttons(page, [words.pick("申请退差价", "一键价保", "查看退款记录")])


@family(RETURN)
def return_steps_guide(page: Page) -> None:
    """What to do after the seller agreed: steps, address, warnings."""
    words = page.words
    title_bar(page, words.pick("退货退款", "请退货", "待买家退货", "退货指引"))
    banner(page, words.pick("商家已同意，请寄回商品", "请您退货并填写单号", "待您寄回商品"), [words.left()])
    with page.card():
        steps_bar(page, ["提交申请", "寄回商品", "商家收货", "退款成功"], 1)
        for text in words.few("return_steps", 3, 5):
            note(page, "· " + text, colour=page.theme.ink)
    with page.card():
        heading(page, words.pick("退货地址", "收件信息"), "复制")
        note(page, "收货人：" + words.pick("售后部", "仓库退换组", "李**"), colour=page.theme.ink)
        note(page, words.address() + words.pick("退货仓", "3号库售后收"), colour=page.theme.ink)
    with page.card():
        pair(page, words.pick("上门取件", "快递到家取"), words.pick("运费险抵扣 预约>", "首重0元 去预约>"))
        pair(page, words.pick("自行寄回", "自己联系快递"), "填写物流单号>")
        pair(page, words.pick("驿站寄件", "到丰巢柜寄"), "扫码寄回>")
    foot_buttons(page, words.pick("撤销申请,填写单号", "延长寄回时间,预约取件", "联系商家,我已寄出").split(","))


@family(RETURN)
def return_scan_waybill(page: Page) -> None:
    """Typing the waybill of the parcel that goes back."""
    words = page.words
    title_bar(page, words.pick("填写退货物流", "填写快递单号", "寄回商品", "退货物流信息"))
    with page.card():
        pair(page, "快递公司", words.pick("请选择快递公司>", words.courier))
        pair(page, "快递单号", words.pick("请输入或扫描面单条码", words.number(13)))
        pair(page, "联系电话", words.pick("选填", "1" + words.number(2) + "****" + words.number(4)))
        upload(page, "退货说明(选填)：例如几件合寄", words.pick("快递面单", "发货凭证"))
    with page.card():
        heading(page, words.pick("常用快递", "推荐快递"))
        chips(page, words.few("couriers", 5, 8), page.rng.choice((None, 1)))
    note(page, "  " + words.pick("填错单号会影响商家收货和退款", "请使用真实单号，虚假发货将导致退货失败"))
    foot_buttons(page, ["提交"])


@family(RETURN)
def return_freight_cover(page: Page) -> None:
    """Return freight insurance: what is paid for sending back."""
    words = page.words
    title_bar(page, words.pick("运费险详情", "退货运费险", "退货宝", "运费补贴"))
    sum_ = f"{page.rng.choice((6, 8, 10, 12, 15))}.00元"
    state = words.pick("理赔成功", "理赔中", "保障中", "待退货寄出", "已失效")
    banner(page, state, [words.pick(f"赔付{sum_}已到支付宝", "商家确认收货后72小时内赔付", "退货后自动理赔")])
    rows(
        page,
        ("保障内容", "退货产生的寄回运费"),
        ("赔付金额", sum_),
        ("退货单号", words.courier + words.number(12)),
        ("承保公司", words.pick("众安保险", "国泰产险", "人保财险")),
        ("保单号", words.number(18)),
        ("赔付时间", words.stamp(4)),
        private=("保单号", "退货单号"),
        keep=0.85,
    )
    with page.card():
        sections(
            page,
            ("什么情况能赔", "签收后申请退货退款，寄回商品并填写运单号，卖家收货后自动赔付。"),
            ("什么情况不赔", words.pick("仅退款、换货或未寄回商品不赔。", "使用到付、拒收退回的包裹不在保障内。")),
        )
    foot_buttons(page, words.pick("查看退货详情", "去退货,查看保单", "对赔付有疑问").split(","), None)


@family(RETURN)
def return_pick_time(page: Page) -> None:
    """Choosing when the courier comes for the goods."""
    words = page.words
    title_bar(page, words.pick("上门取退件", "预约取件", "退货寄件"))
    rows(
        page,
        ("取件地址", words.address()),
        ("退回地址", words.address() + "售后仓"),
        ("物品", words.product().noun),
        ("预估运费", words.pick("¥0 运费险已抵扣", "商家承担", "¥10.00 寄件时支付")),
        private=("取件地址", "退回地址"),
    )
    with sheet(page, page.rng.uniform(250, 360), words.pick("期望上门时间", "选择取件时间")):
        chips(page, ["今天", "明天", "后天", words.stamp(-72, "%m-%d")], 0)
        choices(page, ["一小时内", "09:00-11:00", "11:00-13:00", "15:00-17:00", "17:00-19:00"], marked=1)
        note(page, words.pick("请提前把退货商品打包好", "快递员会验视物品，请勿封箱"))
        button(page, 18, page.height - 56, WIDTH - 36, words.pick("确认", "确认预约取退货"), height=38)


@family(RETURN)
def return_rejected_by_seller(page: Page) -> None:
    """The seller got the goods back and refuses, or waits to check them."""
    words = page.words
    title_bar(page, words.pick("退货退款详情", "退款详情", "售后详情"))
    state = words.pick(
        "商家已收到退货，验货中", "商家拒绝退款，退回商品有问题", "退货已签收，待商家确认", "退货超时已关闭"
    )
    banner(page, state, [words.left()])
    with page.card():
        timeline(
            page,
            [
                (
                    words.pick("商家验货", "商家拒收退货", "仓库签收退货"),
                    words.short(2),
                    words.pick("", "影响二次销售"),
                ),
                ("买家已寄回", words.short(60), words.courier + " " + words.number(12)),
                ("商家同意退货", words.short(80), "退货地址：" + words.address()),
                ("提交退货退款申请", words.short(90), "原因：" + words.say("return_reasons")),
            ],
        )
        pair(page, "退货物流", "查看>")
    with page.card():
        goods(page, words.product())
        pair(page, "退货数量", "1")
        pair(page, "退款金额", words.price())
    foot_buttons(page, ["联系商家", words.pick("申请平台介入", "补充凭证", "提醒商家验货")], None)


@family(EXCHANGE)
def exchange_confirm_dialog(page: Page) -> None:
    """A question about the exchange over its page."""
    words = page.words
    title_bar(page, words.pick("换货", "售后服务", "换货申请"))
    banner(page, words.pick("商家已寄出换新商品", "换货处理中", "换货商品派送中"), [words.left()])
    with page.card():
        goods(page, words.product(), price=False)
        pair(page, "换成", next(iter(words.product().options.values()))[0])
        pair(page, "换货物流", words.courier + words.number(12))
    foot_buttons(page, ["延长收货", "确认收到换货"])
    dialog(
        page,
        words.pick("确认收货", "撤销换货？", "改为退货退款", "提示"),
        words.pick(
            "请确认已收到商家换给您的商品，确认后换货完成",
            "撤销以后本单不能再次申请换货",
            "该规格已无货，可改成退货退款或换其他规格",
            "换货需要先寄回原商品，商家收到后再发新的",
        ),
        ["取消", "确定"],
    )


@family(EXCHANGE)
def exchange_compare(page: Page) -> None:
    """The old choice beside the new one."""
    words = page.words
    product = words.product()
    title_bar(page, words.pick("换货单", "换货详情", "换尺码", "换款式"))
    with page.card():
        steps_bar(page, ["申请换货", "寄回原商品", "商家发新货", "换货完成"], page.rng.randint(0, 3))
    with page.card():
        for name in (words.pick("原商品", "退回商品"), words.pick("换后商品", "新商品", "换新商品")):
            spec = ";".join(f"{key}:{page.rng.choice(values)}" for key, values in product.options.items())
            heading(page, name)
            goods(page, product, price=False, count=1, spec=spec)
    rows(
        page,
        ("换货原因", words.say("return_reasons")),
        ("差价", words.pick("无需补差价", "需补¥10.00", "等价换货")),
        ("换货运费", words.pick("商家承担", "买家承担", "运费险抵扣")),
        ("服务单号", words.number(16)),
        private=("服务单号",),
    )
    foot_buttons(page, words.pick("撤销换货,联系商家", "填写寄回单号", "查看换货物流").split(","), None)


@family(EXCHANGE)
def exchange_door_swap(page: Page) -> None:
    """Swapped at the door: the courier brings the new one and takes the old."""
    words = page.words
    title_bar(page, words.pick("上门换新", "闪电换货", "先行换货", "以换代修"))
    banner(page, words.pick("快递员将上门取旧送新", "换新商品已出库", "换货审核通过"), ["一手交旧一手交新"])
    with page.card():
        timeline(
            page,
            [
                ("换新商品配送中", words.short(1), words.pick("请准备好原商品和配件", "快递员会检查旧商品外观")),
                ("换货单审核通过", words.short(8), "已为您锁定换货库存"),
                ("提交换货申请", words.short(9), "换货原因：" + words.pick("尺码不合适", "功能故障", "颜色发错")),
            ],
        )
    with page.card():
        pair(page, "取旧地址", words.address(), private=True)
        pair(page, "上门时间", words.stamp(-20, "%m-%d 09:00-12:00"))
        goods(page, words.product(), price=False)
    foot_buttons(page, ["修改上门时间", "取消换货"], None)


@family(EXCHANGE)
def repair_or_exchange(page: Page) -> None:
    """The kind of service with exchange chosen, and its form."""
    words = page.words
    title_bar(page, words.pick("申请换货", "申请售后", "换货/补寄"))
    with page.card():
        chips(page, ["退货", "换货", "补寄", "维修"], 1)
        goods(page, words.product())
    with page.card():
        choices(page, words.few("return_reasons", 3, 5), title="换货原因", marked=0)
        pair(page, "换货规格", words.pick("换同款同规格", "重新选择规格>"))
    with page.card():
        upload(page, "请描述要换货的问题，有助于商家快速处理", "添加凭证")
    foot_buttons(page, [words.pick("提交换货申请", "提交申请")])


@family(REFUND)
def refund_talk(page: Page) -> None:
    """The record of a refund as speech."""
    words = page.words
    title_bar(page, words.pick("协商记录", "退款留言", "协商历史"))
    bubble(page, f"发起仅退款申请，金额{words.price()}，原因：{words.say('refund_reasons')}", mine=True)
    bubble(page, words.pick("商家同意了退款，钱款原路返回", "商家拒绝退款：包裹已在路上，请签收后再处理"))
    bubble(page, words.pick("系统：退款关闭，可在交易成功前再次申请", "系统：退款成功，退回" + words.say("payments")))
    foot_buttons(page, ["留言", "查看退款详情"], None)


@family(RETURN, weight=0.7)
def return_slip(page: Page) -> None:
    """A code to show at the station when goods go back."""
    words = page.words
    title_bar(page, words.pick("寄件码", "扫码寄退货", "退货码"))
    page.gap(10)
    with page.card():
        centre(page, words.pick("请到驿站出示退货寄件码", "向快递员出示此码", "凭码免填单寄回"), 15, bold=True)
        side, left = 18, 90
        for row in range(10):
            for column in range(10):
                if page.rng.random() < 0.5:
                    x, y = left + column * side, page.y + row * side
                    page.fill(x, y, x + side, y + side, (20, 20, 20))
        page.fill(left - 8, page.y, left - 4, page.y + 180, WHITE)
        page.y += 190
        centre(page, words.number(4) + " " + words.number(4), 18)
        pair(page, "退货商品", words.product().title)
        pair(page, "退货截止", words.stamp(-100))
    tabs(page, ["附近驿站", "上门取件", "丰巢柜"])
    empty_picture(page, words.pick("菜鸟驿站 320米", "最近的寄件点"), sub=words.address())
