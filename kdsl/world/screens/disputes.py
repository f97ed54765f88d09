"""The platform steps into a dispute."""

from __future__ import annotations

from kdsl.world.screens.complaints import Step
from kdsl.world.screens.page import WIDTH, Page
from kdsl.world.screens.words import Words


def _platform_steps(words: Words, low: int, high: int) -> list[Step]:
    chosen = words.rng.sample(words.book["platform_steps"], words.rng.randint(low, high))
    return [
        (title, words.short(4 + 18 * index), text + ("商品有质量问题" if text.endswith("：") else ""))
        for index, (title, text) in enumerate(chosen)
    ]


def _dispute(page: Page, words: Words, name: str = "退款信息") -> None:
    with page.card():
        page.heading(name)
        page.goods(words.product())
        if words.chance(0.7):
            page.pair("退款原因", words.say("reasons"))
            page.pair("申请时间", words.stamp(120))
            page.pair("退款单号", words.number(18), private=True)


def intervention(page: Page, words: Words) -> None:
    """平台介入详情: where the case stands."""
    page.title_bar(words.pick("平台介入详情|平台介入详情|客服介入详情"))
    page.banner(
        words.pick("平台客服处理中|平台客服正在加急|88VIP客服正在加急处理|卖家已上传凭证"),
        [words.pick("大约一天之内处理好|一天之内会处理|有问题可让专属客服打给您 一键召唤")],
    )
    with page.card():
        page.timeline(_platform_steps(words, 1, 3))
        page.note("全部进度>")
    _dispute(page, words)
    page.foot_buttons(
        words.pick("催处理,我要留言|撤销维权,我要留言|撤销维权,给客服留言,催处理|联系卖家,一键召唤").split(","), None
    )


def intervention_progress(page: Page, words: Words) -> None:
    """全部进度 over the platform's case."""
    intervention(page, words)
    with page.sheet(page.rng.uniform(120, 330), "全部进度"):
        page.timeline(_platform_steps(words, 4, 7))


def urge_dispatch(page: Page, words: Words) -> None:
    """催发货进度: the platform presses the seller."""
    page.title_bar("催发货进度")
    page.banner(words.pick("平台客服已处理|发货保障还在继续|您的订单退款成功|卖家处理中"))
    with page.card():
        page.heading(words.pick("催发货|催发货(2/3)"))
        if words.chance(0.7):
            page.goods(words.product())
            page.note(words.stamp(-30, "%m月%d日%H:%M前发货"))
        page.timeline(
            [
                (
                    words.pick("平台保障服务结束|发货保障还在继续"),
                    words.short(2),
                    "查到您的退款成功了，这次平台保障就到这里，耽误您了，非常抱歉。",
                ),
                *[
                    (title, words.short(30 + 10 * index), text)
                    for index, (title, text) in enumerate(words.book["platform_steps"][1:4])
                ],
                ("卖家超时未处理", words.short(70), words.book["platform_steps"][12][1]),
            ][: page.rng.randint(3, 5)]
        )
        if words.chance(0.4):
            page.button(page.left + 20, page.y, page.right - page.left - 40, "选购同款商品")
            page.y += 36
    page.foot_buttons(words.pick("联系卖家,申请退款|联系卖家|催处理,申请退款").split(","), None)


def service_case(page: Page, words: Words) -> None:
    """进度详情 of a case that the platform's service handles."""
    page.title_bar("进度详情")
    page.banner(words.pick("平台客服正在看您的问题|揽收保障已结束|平台客服已处理"))
    with page.card():
        page.heading(words.pick("退款问题|揽收跟进|售后问题|发货问题"))
        page.timeline(_platform_steps(words, 2, 4))
        page.note("全部进度>")
    _dispute(page, words, words.pick("纠纷信息|包裹信息|退款信息"))
    page.foot_buttons(words.pick("撤销维权,给客服留言,催处理|联系卖家|我要留言,催处理").split(","), None)


def ask_platform(page: Page, words: Words) -> None:
    """The form that asks the platform to step in."""
    page.title_bar(words.pick("申请平台介入|平台介入|申请客服介入"))
    with page.card():
        page.goods(words.product())
    with page.card():
        page.heading(words.pick("申请介入原因|问题描述"))
        for text in words.some("卖家拒绝退款|退货后卖家不退款|卖家不处理售后|对质量问题有争议|运费承担有争议", 3, 5):
            page.pair(text, "○")
        page.note("平台客服将在48小时内介入处理，请提供聊天记录、实物照片等凭证")
        page.note("上传凭证 0/9")
    page.foot_buttons([words.pick("提交申请|申请平台介入")])


def evidence_asked(page: Page, words: Words) -> None:
    """The platform asks for proof."""
    page.title_bar(words.pick("客服介入详情|举证|上传凭证"))
    page.banner(words.pick("请在规定时间内举证|待双方举证|小二处理中"), [words.left()])
    with page.card():
        page.timeline(
            [
                ("买家提出申诉", words.stamp(40), ""),
                ("分配小二处理", "任务分配时间:" + words.stamp(39, "%Y-%m-%d %H:%M"), ""),
                ("申诉完结", "", ""),
            ]
        )
        page.buttons(["我要留言"])
    with page.card():
        page.heading("协商凭证", "我提交的凭证")
        for index in range(3):
            page.thing(page.left + index * 76, page.y, page.left + index * 76 + 68, page.y + 68)
        page.y += 78
        page.pair("协商历史", ">")
    _dispute(page, words)
    page.foot_buttons(["咨询小蜜"], None)


def decision(page: Page, words: Words) -> None:
    """The platform's decision."""
    page.title_bar(words.pick("平台介入详情|进度详情"))
    page.banner(words.pick("平台支持您的退款申请|平台支持卖家|平台介入完结|维权成功"), [words.stamp(3)])
    with page.card():
        page.note(
            words.pick(
                "平台客服根据双方提交的凭证判定：支持买家退款，退款将原路返回。|"
                "平台客服判定：商品不影响二次销售的证据不足，驳回退货申请。|"
                "经判定卖家违约，保证金余额不够，正在催缴。"
            ),
            colour=page.theme.ink,
        )
        page.pair("判定依据", "查看>")
    _dispute(page, words)
    if words.chance(0.4):
        page.strip("", 1)
    page.foot_buttons(["联系卖家", "评价服务"], None)


def service_records(page: Page, words: Words) -> None:
    """The platform's cases in a list."""
    page.title_bar(words.pick("服务进度|平台介入记录|客服处理进度"))
    for _ in range(3):
        with page.card():
            page.heading(words.pick("平台介入|催发货|退款纠纷|揽收跟进"), words.pick("平台处理中|平台已处理|待举证"))
            page.goods(words.product())
            page.note(words.pick("平台客服处理中，请稍等|平台客服已介入，预计24小时内回复您|平台判定支持买家"))
            page.buttons(words.pick("催处理,查看详情|我要留言,查看详情|查看详情").split(","), None)


def dispute_steps(page: Page, words: Words) -> None:
    """The case as a row of steps with the newest word of the staff."""
    page.title_bar(words.pick("纠纷详情|平台介入|客服介入|维权详情"))
    with page.card():
        page.steps_bar(
            words.pick("申请介入,双方举证,平台判定,完结|提交,核实,协商,结果").split(","), page.rng.randint(0, 3)
        )
        page.heading(words.pick("平台专员处理中|待您举证|平台已判定|等待商家举证"), colour=page.theme.accent)
        page.note(words.say("dispute_lines"), colour=page.theme.ink)
        page.pair(words.pick("预计完成|举证截止"), words.stamp(-40, "%m月%d日 %H:%M"))
        page.buttons(words.pick("上传凭证|查看判定说明,我有异议|催一催,补充说明").split(","))
    page.rows(
        ("介入原因", words.say("refund_reasons")),
        ("诉求", words.pick("退货退款|仅退款|赔付|换货")),
        ("涉及金额", words.price()),
        ("介入单号", words.number(16)),
        private=("介入单号",),
    )
    with page.card():
        page.goods(words.product())
    page.foot_buttons(["撤销介入", "联系平台客服"], None)


def evidence_form(page: Page, words: Words) -> None:
    """Handing in evidence: words and pictures until a deadline."""
    page.title_bar(words.pick("提交凭证|补充举证|举证|上传证据"))
    page.note("  " + words.pick("平台会根据双方凭证作出判定，请如实提交", f"举证{words.left()}，逾期视为放弃"))
    with page.card():
        page.heading(words.pick("文字说明|情况说明"))
        page.upload("说明商品问题、和商家协商的经过，不少于10个字", "添加图片/视频", "0/500")
    with page.card():
        page.heading("凭证要求", "查看示例")
        for text in words.some(
            "商品问题部位清晰照片|开箱视频|和商家的聊天记录截图|快递面单及外包装|权威机构检测报告", 3, 5
        ):
            page.note("· " + text, colour=page.theme.ink)
    with page.card():
        page.heading(words.pick("对方凭证|商家举证"), words.pick("暂未提交|已提交"))
        page.tiles(3)
    page.foot_buttons([words.pick("提交凭证|确认提交")])


def platform_call(page: Page, words: Words) -> None:
    """The platform's staff writes or has called."""
    page.title_bar(words.pick("平台客服|专属客服介入|淘宝官方客服|平台专员"))
    page.bubble("您好，我是平台介入专员" + words.pick("小李|3021号|阿天") + "，您的纠纷由我负责")
    page.bubble(words.say("dispute_lines"))
    page.bubble(words.pick("商家一直不同意退款怎么办|我已经上传凭证了|请尽快判定"), mine=True)
    page.bubble(words.pick("平台会根据规则核实并作出判定|已为您加急，24小时内给您介入结果"))
    with page.card():
        page.heading(words.pick("介入单|纠纷单"), words.pick("处理中|已完结"))
        page.goods(words.product())
        page.buttons(["查看介入进度", "补充凭证"], None)


def platform_payout(page: Page, words: Words) -> None:
    """The platform pays in advance or pays compensation."""
    page.title_bar(words.pick("平台保障|先行赔付|赔付详情|极速维权"))
    page.banner(words.pick("平台已为您垫付|维权完成|赔付成功|平台判定商家违约"), [words.stamp(2)])
    page.rows(
        ("判定结果", words.pick("支持买家|支持退货退款|商家责任|部分支持")),
        ("赔付金额", words.price()),
        ("赔付去向", words.say("payments")),
        ("处理人", "平台客服"),
    )
    with page.card():
        page.sections(("判定说明", words.say("dispute_lines") + "。如对结果不认同，可在期限内申诉一次。"))
    page.foot_buttons(words.pick("申诉,我知道了|评价平台客服|对结果不满意,满意").split(","), None)


def ask_platform_dialog(page: Page, words: Words) -> None:
    """Asking the platform to step in, from the page of a refused refund."""
    page.title_bar(words.pick("退款详情|售后详情"))
    page.banner(words.pick("商家拒绝了您的申请|商家不同意退款"), [words.left()])
    with page.card():
        page.note("拒绝原因：" + words.pick("商品没有质量问题|已超售后期|请先寄回商品"), colour=page.theme.ink)
        page.goods(words.product())
    page.foot_buttons(["修改申请", "申请平台介入"])
    with page.sheet(page.rng.uniform(280, 380), words.pick("申请平台介入|要平台帮忙处理吗|平台介入说明")):
        for text in (
            "平台客服介入后会联系双方核实",
            "需要您在规定时间内提供凭证",
            words.pick("介入期间您的款项不会打给商家|平台判定后双方需执行结果"),
        ):
            page.note("· " + text, colour=page.theme.ink, size=13)
        page.button(18, page.height - 100, WIDTH - 36, words.pick("确认申请介入|立即申请平台介入"), height=38)
        page.button(18, page.height - 56, WIDTH - 36, "再和商家协商", main=False, height=38)
