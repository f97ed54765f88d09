"""Exchanges: one item is replaced by another."""

from __future__ import annotations

from kdsl.world.screens.page import WIDTH, Page
from kdsl.world.screens.refunds import services
from kdsl.world.screens.returns import ask_platform
from kdsl.world.screens.words import Words


def _exchange_info(page: Page, words: Words) -> None:
    product = words.product()
    key, values = page.rng.choice(sorted(product.options.items()))
    with page.card():
        page.heading("换货信息")
        page.goods(product, price=False, count=None, spec=f"原商品:{product.spec}")
        page.y -= 6
        page.note(f"新商品:{key}:{page.rng.choice(values)}", colour=page.theme.accent, most=2)
        if words.chance(0.5):
            page.pair("换货原因", words.say("reasons"))
            page.pair("申请时间", words.stamp(80))
            page.pair("换货编号", words.number(18), private=True)
        page.centred(page.y, "查看全部", 12, page.theme.muted)
        page.y += 18


def exchange_waiting(page: Page, words: Words) -> None:
    """换货详情: goods sent back, the seller shall send the new ones."""
    page.title_bar("换货详情")
    with page.card():
        page.pair("买家已退货", "寄件详情>")
        page.heading(
            words.pick("等卖家收货后再发货|等卖家收货后再发货|快递员上门取件|等快递员传运单号"),
            words.left(),
            colour=page.theme.accent,
        )
        page.note(
            words.pick(
                "等卖家收到退回的商品，再把新的寄给您。卖家过期不发，换货会关闭并退款给您。|"
                "快递员取走了，运费还没付。打开寄件详情就能看到运费并付款"
            )
        )
        page.note(
            words.pick(
                "已签收 快件本人已收，有问题请...", "已签收 包裹由【家人】代为签收，...", "运输中 " + words.site()
            )
        )
        page.pair(words.pick("卖家发货了，留意收货|等待卖家确认收货"), "全部流程>")
    services(page, words, refund=False)
    with page.card():
        page.heading("协商历史", ">")
    _exchange_info(page, words)
    ask_platform(page, words, words.some("平台介入|撤销换货|修改申请", 1, 2))


def exchange_closed(page: Page, words: Words) -> None:
    """换货详情: done, closed or refused."""
    state, line = page.rng.choice(
        (
            ("换货关闭", "您撤销了换货申请，换货已关闭。"),
            ("换货完成", "您确认换的商品到了，换货完成"),
            ("卖家拒绝换货，请尽快处理", "过了时间没有处理，这次换货申请会关闭。和卖家谈不拢的话，可以请平台客服介入"),
            ("换货关闭", "卖家已退款，换货申请自动关闭"),
        )
    )
    page.title_bar("换货详情")
    with page.card():
        page.heading(state, "", colour=page.theme.accent, size=17)
        page.note(words.stamp(9, "%Y年%-m月%-d日 %H:%M"))
        page.note(line)
    with page.card():
        page.pair("发货物流", ">")
        if words.chance(0.5):
            page.pair("寄件详情", ">")
    services(page, words, refund=False)
    with page.card():
        page.heading("协商历史", ">")
    _exchange_info(page, words)
    if words.chance(0.5):
        page.foot_buttons([words.pick("联系卖家|撤销换货"), words.pick("专属客服|官方客服|修改申请")], None)
    else:
        page.strip("不喜欢这件？看看大家都在买什么", 1)


def apply_exchange(page: Page, words: Words) -> None:
    """The form of an exchange."""
    product = words.product()
    page.title_bar("申请换货")
    with page.card():
        page.goods(product, count=None)
    with page.card():
        page.pair("换货商品", words.pick("选择规格>", page.rng.choice(next(iter(product.options.values()))) + ">"))
        page.pair("换货原因", words.pick("换货原因请选择>", words.say("reasons") + ">"))
        page.pair("换货数量", "1")
        page.pair("收货地址", words.address(), private=True)
        if words.chance(0.5):
            page.pair("退货方式", "上门取件>")
            page.pair("让商家代填运单号", "✓")
    with page.card():
        page.heading("补充描述和凭证")
        page.note("写清楚一些，小二处理售后更快")
        page.text(page.right, page.y + 34, "0/200", 11, page.theme.muted, align="r")
        page.y += 50
    page.foot_buttons(["提交"])
    if words.chance(0.35):
        page.dialog(
            "",
            words.pick(
                "这个收货地址送不到，换一个试试。|仅限更换同价商品，该商品不支持更换内容|"
                "您选择的规格库存不足，请重新选择"
            ),
            ["确定"],
        )


def exchange_steps(page: Page, words: Words) -> None:
    """The progress of an exchange as a timeline."""
    page.title_bar(words.pick("换货进度|换货详情"))
    page.banner(
        words.pick("商家已同意换货申请|换货商品已寄出|请等待商家处理换货申请|请寄回需要换货的商品"), [words.left()]
    )
    with page.card():
        page.timeline(
            [
                ("换货完成", "", "收到换货商品后请确认"),
                ("卖家寄出换货商品", words.short(4), "卖家发货了，留意收货"),
                ("买家已退货", words.short(30), f"{words.courier} {words.number(12)}"),
                ("卖家同意换货", words.short(60), "请将原商品寄回给卖家"),
                ("您发起换货申请", words.short(70), "换货原因：" + words.say("reasons")),
            ][page.rng.randint(0, 2) :]
        )
    _exchange_info(page, words)
    page.foot_buttons(["联系卖家", words.pick("确认收货|撤销换货")], None)


def exchange_pickup(page: Page, words: Words) -> None:
    """Sending the old goods back for an exchange."""
    page.title_bar("换货详情")
    page.banner("商家同意退货了，快递员会上门取件", ["菜鸟裹裹"])
    with page.card():
        page.note("首重运费由菜鸟裹裹先行垫付，超出部分由您支付；运单号会自动回传，不用手填。")
        page.pair("上门时间", words.stamp(-6, "%-m月%-d日 19:00-21:00") + " 修改")
        page.buttons(["更多", "修改时间/地址", "填写退货物流"], None)
    with page.card():
        page.heading("协商历史", ">")
    _exchange_info(page, words)


def exchange_waits_for_seller(page: Page, words: Words) -> None:
    """The seller has not answered the request yet."""
    page.title_bar("换货详情")
    with page.card():
        page.heading(
            words.pick("请等待商家处理|商家拒绝换货，申请可以修改|天猫客服在处理，请稍等一会儿"),
            words.left(),
            colour=page.theme.accent,
        )
        page.note(
            words.pick(
                "您已成功发起换货申请，请耐心等待商家处理。商家同意后，请按照给出的地址退货，并记录物流单号|"
                "商家同意或超时未处理，系统将进入换货流程"
            )
        )
        page.buttons(["撤销换货", "修改申请"], None)
    with page.card():
        page.heading("协商历史", ">")
    _exchange_info(page, words)
    page.foot_buttons(["联系卖家", "拨打电话"], None)


def pick_replacement(page: Page, words: Words) -> None:
    """Choosing what to get instead."""
    product = words.product()
    apply_exchange(page, words)
    with page.sheet(page.rng.uniform(250, 400), words.pick("选择换货规格|选择换货商品")):
        page.goods(product)
        for key, values in product.options.items():
            page.heading(key)
            page.note("  ".join(values), colour=page.theme.ink)
        page.button(18, page.height - 60, WIDTH - 36, words.pick("确定|确认换货"), height=38)


def exchange_history(page: Page, words: Words) -> None:
    """协商历史 of an exchange."""
    page.title_bar("协商历史")
    product = words.product()
    entries = [
        ("系统", "【标题】卖家已确认收货，换货商品待发出"),
        ("卖家", "卖家同意了换货申请，退货地址：" + words.address()),
        ("买家", f"发起了换货申请\n换货原因：{words.say('reasons')}\n换货数量：1\n新商品：{product.spec}"),
        ("系统", "买家已寄出退货，物流公司：" + words.courier),
        ("卖家", "卖家已寄出换货商品，请注意查收"),
    ]
    for index, (who, text) in enumerate(page.rng.sample(entries, page.rng.randint(3, 5))):
        with page.card():
            page.heading(who, words.stamp(5 + 25 * index))
            page.note(text, colour=page.theme.ink)
    page.foot_buttons(["撤销换货", "联系卖家"], None)


def exchange_confirm_dialog(page: Page, words: Words) -> None:
    """A question about the exchange over its page."""
    page.title_bar(words.pick("换货|售后服务|换货申请"))
    page.banner(words.pick("商家已寄出换新商品|换货处理中|换货商品派送中"), [words.left()])
    with page.card():
        page.goods(words.product(), price=False)
        page.pair("换成", next(iter(words.product().options.values()))[0])
        page.pair("换货物流", words.courier + words.number(12))
    page.foot_buttons(["延长收货", "确认收到换货"])
    page.dialog(
        words.pick("确认收货|撤销换货？|改为退货退款|提示"),
        words.pick(
            "请确认已收到商家换给您的商品，确认后换货完成|撤销以后本单不能再次申请换货|"
            "该规格已无货，可改成退货退款或换其他规格|换货需要先寄回原商品，商家收到后再发新的"
        ),
        ["取消", "确定"],
    )


def exchange_compare(page: Page, words: Words) -> None:
    """The old choice beside the new one."""
    product = words.product()
    page.title_bar(words.pick("换货单|换货详情|换尺码|换款式"))
    with page.card():
        page.steps_bar(["申请换货", "寄回原商品", "商家发新货", "换货完成"], page.rng.randint(0, 3))
    with page.card():
        for name in (words.pick("原商品|退回商品"), words.pick("换后商品|新商品|换新商品")):
            spec = ";".join(f"{key}:{page.rng.choice(values)}" for key, values in product.options.items())
            page.heading(name)
            page.goods(product, price=False, count=1, spec=spec)
    page.rows(
        ("换货原因", words.say("return_reasons")),
        ("差价", words.pick("无需补差价|需补¥10.00|等价换货")),
        ("换货运费", words.pick("商家承担|买家承担|运费险抵扣")),
        ("服务单号", words.number(16)),
        private=("服务单号",),
    )
    page.foot_buttons(words.pick("撤销换货,联系商家|填写寄回单号|查看换货物流").split(","), None)


def exchange_door_swap(page: Page, words: Words) -> None:
    """Swapped at the door: the courier brings the new one and takes the old."""
    page.title_bar(words.pick("上门换新|闪电换货|先行换货|以换代修"))
    page.banner(words.pick("快递员将上门取旧送新|换新商品已出库|换货审核通过"), ["一手交旧一手交新"])
    with page.card():
        page.timeline(
            [
                ("换新商品配送中", words.short(1), words.pick("请准备好原商品和配件|快递员会检查旧商品外观")),
                ("换货单审核通过", words.short(8), "已为您锁定换货库存"),
                ("提交换货申请", words.short(9), "换货原因：" + words.pick("尺码不合适|功能故障|颜色发错")),
            ]
        )
    with page.card():
        page.pair("取旧地址", words.address(), private=True)
        page.pair("上门时间", words.stamp(-20, "%m-%d 09:00-12:00"))
        page.goods(words.product(), price=False)
    page.foot_buttons(["修改上门时间", "取消换货"], None)


def repair_or_exchange(page: Page, words: Words) -> None:
    """The kind of service with exchange chosen, and its form."""
    page.title_bar(words.pick("申请换货|申请售后|换货/补寄"))
    with page.card():
        page.chips(["退货", "换货", "补寄", "维修"], 1)
        page.goods(words.product())
    with page.card():
        page.choices(words.few("return_reasons", 3, 5), title="换货原因", marked=0)
        page.pair("换货规格", words.pick("换同款同规格|重新选择规格>"))
    with page.card():
        page.upload("请描述要换货的问题，有助于商家快速处理", "添加凭证")
    page.foot_buttons([words.pick("提交换货申请|提交申请")])
