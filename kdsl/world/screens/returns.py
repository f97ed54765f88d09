"""Returns: goods go back to the seller."""

from __future__ import annotations

from kdsl.world.screens.page import WIDTH, Page
from kdsl.world.screens.refunds import money, refund_info, services
from kdsl.world.screens.theme import WHITE
from kdsl.world.screens.words import Words


def ask_platform(page: Page, words: Words, texts: list[str]) -> None:
    page.foot_buttons(texts, None)


def choose_way(page: Page, words: Words) -> None:
    """选择退货方式: the seller agreed, Cainiao Guoguo picks the parcel up."""
    page.title_bar("选择退货方式")
    page.banner("商家已同意退货", ["用菜鸟裹裹把商品寄回", "菜鸟裹裹"])
    with page.card():
        page.pair("寄", words.address(), private=True)
        page.pair("收", words.address() + words.pick("| 修改地址"), private=True)
        if words.chance(0.3):
            page.note("寄回时请保持商品完好，并附上纸条写明订单号", most=2)
    stopped = words.chance(0.45)
    with page.card():
        if stopped:
            page.empty_picture("商家退货地址异常", sub="1. 向商家问清楚地址\n2. 把地址改好，再寄一次")
            page.button(WIDTH / 2 - 50, page.y, 100, "联系商家", main=False)
            page.y += 38
        else:
            page.tabs(["上门取件", "服务点自寄"], 0)
            page.note("快递员上门来取  自己到附近的点寄件")
            page.note("2小时上门 不填地址 丢了就赔", colour=page.theme.accent)
            page.pair("上门时间", words.stamp(-20, "%m月%d日 17:00-19:00") + ">")
            page.pair("运费规则", words.pick("共抵扣13元 运费险|1kg内12元起|88VIP退货包运费"))
            page.pair("寄件人实名", "寄快递要先实名，认证好才能寄出去")
    with page.card():
        page.heading("寄件商品")
        page.goods(words.product(), price=False, count=None)
    page.note("  我看过并同意《服务协议》", colour=page.theme.accent)
    page.foot_buttons(["暂停服务" if stopped else words.pick("立即下单|立即预约")])


def return_detail(page: Page, words: Words) -> None:
    """退货退款详情: send the goods back and give the number."""
    page.title_bar("退货退款详情")
    with page.card():
        page.note(words.pick("商家处理|快递员上门取件"))
        page.heading(words.pick("寄回商品|等快递员传运单号"), words.left(), colour=page.theme.accent)
        page.heading(words.pick("请寄回并填物流单号|商家同意退货申请，早点寄回"))
        page.note(
            "没有和商家商量好，不要寄到付或者平邮，商家可能不收。这笔钱由淘宝暂时保管，还没有给卖家。物流单号要如实填，过期没填，这次退货申请会撤销。平台同意您申请退款。",
            most=7,
        )
        page.pair("商家退款", "全部流程>")
    with page.card():
        if words.chance(0.5):
            page.heading("官方推荐的寄件")
            page.note("2小时上门|送达签收 25元内免费", colour=page.theme.accent)
            page.buttons(["我要寄件"])
            page.pair("我已寄出", "填写单号")
            page.note("点击填写物流单号")
        else:
            page.heading(words.pick("快递员取走了，正在核运费|快递员已接单|待快递员取件"))
            page.note(words.pick("快递员核好价，再付运费|快递员会准时上门来取|快递员到了再给他看取件码"))
            page.buttons(words.some("取消寄件|修改时间/地址|物流客服|电话|寄件详情>", 2, 3), None)
    services(page, words)
    refund_info(page, words)
    ask_platform(page, words, ["平台介入", "撤销申请"])


def return_done(page: Page, words: Words) -> None:
    """退货退款详情 after the seller paid back."""
    amount = words.product().price
    page.title_bar("退货退款详情")
    with page.card():
        page.heading(words.pick("退款成功|退款成功|退款关闭"), words.price(amount), size=19, colour=page.theme.accent)
        page.note(words.stamp(5, "%Y年%-m月%-d日 %H:%M"))
        money(page, words, amount)
        page.button(page.left, page.y, page.right - page.left, "查看钱款去向", main=False)
        page.y += 38
    with page.card():
        page.pair(words.pick("退货物流|寄件费用已支付"), words.pick("已签收>|查看寄件明细>"))
    services(page, words)
    refund_info(page, words)
    page.foot_buttons(["联系卖家", "专属客服"], None)


def fill_number(page: Page, words: Words) -> None:
    """The form for the return's waybill."""
    page.title_bar(words.pick("填写退货物流|填写物流单号|填写退货单号|我已寄出"))
    with page.card():
        page.heading("退货地址")
        page.note(words.address() + words.pick("| 收件人：售后部"), colour=page.theme.ink)
        page.note("不要选到付和平邮，商家可能不收件")
    with page.card():
        page.pair("物流公司", words.pick("请选择物流公司>", words.courier + ">"))
        page.pair("物流单号", words.pick("请填写物流单号", words.number(13)), private=words.chance(0.3))
        page.pair("联系电话", "138****" + words.number(4), private=True)
        page.note("退货说明 选填")
    page.foot_buttons([words.pick("提交|确认提交")])


def cainiao_return(page: Page, words: Words) -> None:
    """Cainiao's own page for sending returns."""
    page.title_bar(words.pick("菜鸟裹裹网购退货|退货寄件|网购退换货"))
    page.banner(words.pick("寄件打折，运费几元起|退货上门取，首重8元起"), ["别的平台买的也能寄"])
    page.tabs(["淘宝天猫退货", "其他电商退货"], page.rng.randint(0, 1))
    with page.card():
        page.pair("寄", words.address(), private=True)
        page.pair("退", words.address(), private=True)
    with page.card():
        page.heading("寄件方式")
        page.tabs(["上门取件", "服务点自寄"], page.rng.randint(0, 1))
        page.note(words.pick("此地址暂不支持上门取件，请去周边网点寄出|快递员2小时内上门取退货|去周边网点自寄 611m"))
        page.pair("优惠券", "有一张寄件优惠券可以用")
    page.foot_buttons([words.pick("点击退货|立即寄件|去寄件>")])


def pickup_order(page: Page, words: Words) -> None:
    """The pick-up of a return: code, courier, fee, cancel."""
    page.title_bar(words.pick("寄件详情|退货寄件详情|上门取件"))
    with page.card():
        page.heading(words.pick("等待快递员上门取件|快递员已接单|待快递员上门取件"), colour=page.theme.accent)
        page.pair("上门时间", words.stamp(-5, "%m月%d日 13:00-15:00"))
        page.pair("取件码", words.number(4), private=True)
        page.note("快递员到了再给他看取件码，快递员传运单号后将自动回传给商家")
        page.buttons(["取消寄件", "修改时间/地址", "联系快递员"], None)
    with page.card():
        page.heading("寄回商品")
        page.goods(words.product(), price=False)
        page.pair("退货服务", words.pick("退货有保障 运费险抵扣|88VIP退货包运费"))
        page.note("寄件服务来自阿里旗下的菜鸟裹裹")


def return_agreed(page: Page, words: Words) -> None:
    """The seller's return address and the deadline."""
    page.title_bar(words.pick("退货退款|退货退款详情|请退货"))
    page.banner(words.pick("请寄回并填物流单号|请寄回商品|待商家收货"), [words.left()])
    with page.card():
        page.heading("退货地址", "复制")
        page.note(words.address(), colour=page.theme.ink)
        page.pair("收货人", "售后组 139****" + words.number(4), private=True)
        page.pair("退货说明", words.pick("请附上纸条写明订单号|拒收到付件|请保持吊牌完好"))
    with page.card():
        page.pair("上门取件", "官方推荐 我要寄件>")
        page.pair("自行寄回", "填写单号>")
    refund_info(page, words)
    page.foot_buttons(["平台介入", "撤销申请", "填写物流"], left=["联系商家"])


def return_sheet(page: Page, words: Words) -> None:
    """The panel 全部流程 of a return."""
    return_detail(page, words)
    with page.sheet(page.rng.uniform(140, 320), words.pick("全部流程|退货流程")):
        page.timeline(
            [
                ("商家退款", "", "商家收到退货后为您退款"),
                ("等待商家收货", "", "退货物流签收后，商家将在约定时间内确认收货"),
                ("寄回商品", words.short(8), "请寄回并填物流单号"),
                ("商家处理", words.short(20), "商家同意退货申请，早点寄回"),
                ("提交退货申请", words.short(30), "您申请了退货退款"),
            ]
        )


def no_reason_refused(page: Page, words: Words) -> None:
    """The seller refuses a return: what can be done."""
    page.title_bar("退货退款详情")
    page.banner(words.pick("商家拒绝退货申请|商家拒绝退款，请处理"), [words.left(), "逾期未处理，退货申请将自动关闭"])
    with page.card():
        page.pair("拒绝原因", words.pick("商品影响二次销售|吊牌缺失|已超过退货时间|退货商品有使用痕迹"))
        page.note("您可以修改退货申请，与商家重新协商；或申请平台介入")
        page.buttons(["撤销申请", "平台介入", "修改申请"])
    refund_info(page, words)


def return_steps_guide(page: Page, words: Words) -> None:
    """What to do after the seller agreed: steps, address, warnings."""
    page.title_bar(words.pick("退货退款|请退货|待买家退货|退货指引"))
    page.banner(words.pick("商家已同意，请寄回商品|请您退货并填写单号|待您寄回商品"), [words.left()])
    with page.card():
        page.steps_bar(["提交申请", "寄回商品", "商家收货", "退款成功"], 1)
        for text in words.few("return_steps", 3, 5):
            page.note("· " + text, colour=page.theme.ink)
    with page.card():
        page.heading(words.pick("退货地址|收件信息"), "复制")
        page.note("收货人：" + words.pick("售后部|仓库退换组|李**"), colour=page.theme.ink)
        page.note(words.address() + words.pick("退货仓|3号库售后收"), colour=page.theme.ink)
    with page.card():
        page.pair(words.pick("上门取件|快递到家取"), words.pick("运费险抵扣 预约>|首重0元 去预约>"))
        page.pair(words.pick("自行寄回|自己联系快递"), "填写物流单号>")
        page.pair(words.pick("驿站寄件|到丰巢柜寄"), "扫码寄回>")
    page.foot_buttons(words.pick("撤销申请,填写单号|延长寄回时间,预约取件|联系商家,我已寄出").split(","))


def return_scan_waybill(page: Page, words: Words) -> None:
    """Typing the waybill of the parcel that goes back."""
    page.title_bar(words.pick("填写退货物流|填写快递单号|寄回商品|退货物流信息"))
    with page.card():
        page.pair("快递公司", words.pick("请选择快递公司>", words.courier))
        page.pair("快递单号", words.pick("请输入或扫描面单条码", words.number(13)))
        page.pair("联系电话", words.pick("选填", words.phone()))
        page.upload("退货说明(选填)：例如几件合寄", words.pick("快递面单|发货凭证"))
    with page.card():
        page.heading(words.pick("常用快递|推荐快递"))
        page.chips(words.few("couriers", 5, 8), page.rng.choice((None, 1)))
    page.note("  " + words.pick("填错单号会影响商家收货和退款|请使用真实单号，虚假发货将导致退货失败"))
    page.foot_buttons(["提交"])


def return_freight_cover(page: Page, words: Words) -> None:
    """Return freight insurance: what is paid for sending back."""
    page.title_bar(words.pick("运费险详情|退货运费险|退货宝|运费补贴"))
    paid = f"{page.rng.choice((6, 8, 10, 12, 15))}.00元"
    state = words.pick("理赔成功|理赔中|保障中|待退货寄出|已失效")
    page.banner(state, [words.pick(f"赔付{paid}已到支付宝", "商家确认收货后72小时内赔付", "退货后自动理赔")])
    page.rows(
        ("保障内容", "退货产生的寄回运费"),
        ("赔付金额", paid),
        ("退货单号", words.courier + words.number(12)),
        ("承保公司", words.pick("众安保险|国泰产险|人保财险")),
        ("保单号", words.number(18)),
        ("赔付时间", words.stamp(4)),
        private=("保单号", "退货单号"),
        keep=0.85,
    )
    with page.card():
        page.sections(
            ("什么情况能赔", "签收后申请退货退款，寄回商品并填写运单号，卖家收货后自动赔付。"),
            ("什么情况不赔", words.pick("仅退款、换货或未寄回商品不赔。|使用到付、拒收退回的包裹不在保障内。")),
        )
    page.foot_buttons(words.pick("查看退货详情|去退货,查看保单|对赔付有疑问").split(","), None)


def return_pick_time(page: Page, words: Words) -> None:
    """Choosing when the courier comes for the goods."""
    page.title_bar(words.pick("上门取退件|预约取件|退货寄件"))
    page.rows(
        ("取件地址", words.address()),
        ("退回地址", words.address() + "售后仓"),
        ("物品", words.product().noun),
        ("预估运费", words.pick("¥0 运费险已抵扣|商家承担|¥10.00 寄件时支付")),
        private=("取件地址", "退回地址"),
    )
    with page.sheet(page.rng.uniform(250, 360), words.pick("期望上门时间|选择取件时间")):
        page.chips(["今天", "明天", "后天", words.stamp(-72, "%m-%d")], 0)
        page.choices(["一小时内", "09:00-11:00", "11:00-13:00", "15:00-17:00", "17:00-19:00"], marked=1)
        page.note(words.pick("请提前把退货商品打包好|快递员会验视物品，请勿封箱"))
        page.button(18, page.height - 56, WIDTH - 36, words.pick("确认|确认预约取退货"), height=38)


def return_rejected_by_seller(page: Page, words: Words) -> None:
    """The seller got the goods back and refuses, or waits to check them."""
    page.title_bar(words.pick("退货退款详情|退款详情|售后详情"))
    state = words.pick("商家已收到退货，验货中|商家拒绝退款，退回商品有问题|退货已签收，待商家确认|退货超时已关闭")
    page.banner(state, [words.left()])
    with page.card():
        page.timeline(
            [
                (words.pick("商家验货|商家拒收退货|仓库签收退货"), words.short(2), words.pick("|影响二次销售")),
                ("买家已寄回", words.short(60), words.courier + " " + words.number(12)),
                ("商家同意退货", words.short(80), "退货地址：" + words.address()),
                ("提交退货退款申请", words.short(90), "原因：" + words.say("return_reasons")),
            ]
        )
        page.pair("退货物流", "查看>")
    with page.card():
        page.goods(words.product())
        page.pair("退货数量", "1")
        page.pair("退款金额", words.price())
    page.foot_buttons(["联系商家", words.pick("申请平台介入|补充凭证|提醒商家验货")], None)


def return_slip(page: Page, words: Words) -> None:
    """A code to show at the station when goods go back."""
    page.title_bar(words.pick("寄件码|扫码寄退货|退货码"))
    page.gap(10)
    with page.card():
        page.centre(words.pick("请到驿站出示退货寄件码|向快递员出示此码|凭码免填单寄回"), 15, bold=True)
        side, left = 18, 90
        for row in range(10):
            for column in range(10):
                if page.rng.random() < 0.5:
                    x, y = left + column * side, page.y + row * side
                    page.fill(x, y, x + side, y + side, (20, 20, 20))
        page.fill(left - 8, page.y, left - 4, page.y + 180, WHITE)
        page.y += 190
        page.centre(words.number(4) + " " + words.number(4), 18)
        page.pair("退货商品", words.product().title)
        page.pair("退货截止", words.stamp(-100))
    page.tabs(["附近驿站", "上门取件", "丰巢柜"])
    page.empty_picture(words.pick("菜鸟驿站 320米|最近的寄件点"), sub=words.address())
