"""More of disputes: the platform between buyer and seller, complaints and reports."""

from __future__ import annotations

from kdsl.data.world.screens.blocks import bubble, centre, choices, icons, rows, sections, steps_bar, tiles, upload
from kdsl.data.world.screens.complaints import COMPLAINT
from kdsl.data.world.screens.page import WIDTH, Page
from kdsl.data.world.screens.panels import dialog, empty_picture, sheet
from kdsl.data.world.screens.platform import PLATFORM
from kdsl.data.world.screens.registry import family
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


@family(PLATFORM)
def dispute_steps(page: Page) -> None:
    """The case as a row of steps with the newest word of the staff."""
    words = page.words
    title_bar(page, words.pick("纠纷详情", "平台介入", "客服介入", "维权详情"))
    with page.card():
        steps_bar(
            page,
            words.pick("申请介入,双方举证,平台判定,完结", "提交,核实,协商,结果").split(","),
            page.rng.randint(0, 3),
        )
        heading(page, words.pick("平台专员处理中", "待您举证", "平台已判定", "等待商家举证"), colour=page.theme.accent)
        note(page, words.say("dispute_lines"), colour=page.theme.ink)
        pair(page, words.pick("预计完成", "举证截止"), words.stamp(-40, "%m月%d日 %H:%M"))
        buttons(page, words.pick("上传凭证", "查看判定说明,我有异议", "催一催,补充说明").split(","))
    rows(
        page,
        ("介入原因", words.say("refund_reasons")),
        ("诉求", words.pick("退货退款", "仅退款", "赔付", "换货")),
        ("涉及金额", words.price()),
        ("介入单号", words.number(16)),
        private=("介入单号",),
    )
    with page.card():
        goods(page, words.product())
    foot_buttons(page, ["撤销介入", "联系平台客服"], None)


@family(PLATFORM)
def evidence_form(page: Page) -> None:
    """Handing in evidence: words and pictures until a deadline."""
    words = page.words
    title_bar(page, words.pick("提交凭证", "补充举证", "举证", "上传证据"))
    note(page, "  " + words.pick("平台会根据双方凭证作出判定，请如实提交", f"举证{words.left()}，逾期视为放弃"))
    with page.card():
        heading(page, words.pick("文字说明", "情况说明"))
        upload(page, "说明商品问题、和商家协商的经过，不少于10个字", "添加图片/视频", "0/500")
    with page.card():
        heading(page, "凭证要求", "查看示例")
        for text in words.some(
            ["商品问题部位清晰照片", "开箱视频", "和商家的聊天记录截图", "快递面单及外包装", "权威机构检测报告"], 3, 5
        ):
            note(page, "· " + text, colour=page.theme.ink)
    with page.card():
        heading(page, words.pick("对方凭证", "商家举证"), words.pick("暂未提交", "已提交"))
        tiles(page, 3)
    foot_buttons(page, [words.pick("提交凭证", "确认提交")])


@family(PLATFORM)
def platform_call(page: Page) -> None:
    """The platform's staff writes or has called."""
    words = page.words
    title_bar(page, words.pick("平台客服", "专属客服介入", "淘宝官方客服", "平台专员"))
    bubble(page, "您好，我是平台介入专员" + words.pick("小李", "3021号", "阿天") + "，您的纠纷由我负责")
    bubble(page, words.say("dispute_lines"))
    bubble(page, words.pick("商家一直不同意退款怎么办", "我已经上传凭证了", "请尽快判定"), mine=True)
    bubble(page, words.pick("平台会根据规则核实并作出判定", "已为您加急，24小时内给您介入结果"))
    with page.card():
        heading(page, words.pick("介入单", "纠纷单"), words.pick("处理中", "已完结"))
        goods(page, words.product())
        buttons(page, ["查看介入进度", "补充凭证"], None)


@family(PLATFORM)
def platform_payout(page: Page) -> None:
    """The platform pays in advance or pays compensation."""
    words = page.words
    title_bar(page, words.pick("平台保障", "先行赔付", "赔付详情", "极速维权"))
    banner(page, words.pick("平台已为您垫付", "维权完成", "赔付成功", "平台判定商家违约"), [words.stamp(2)])
    rows(
        page,
        ("判定结果", words.pick("支持买家", "支持退货退款", "商家责任", "部分支持")),
        ("赔付金额", words.price()),
        ("赔付去向", words.say("payments")),
        ("处理人", "平台客服"),
    )
    with page.card():
        sections(page, ("判定说明", words.say("dispute_lines") + "。如对结果不认同，可在期限内申诉一次。"))
    foot_buttons(page, words.pick("申诉,我知道了", "评价平台客服", "对结果不满意,满意").split(","), None)


@family(PLATFORM)
def ask_platform_dialog(page: Page) -> None:
    """Asking the platform to step in, from the page of a refused refund."""
    words = page.words
    title_bar(page, words.pick("退款详情", "售后详情"))
    banner(page, words.pick("商家拒绝了您的申请", "商家不同意退款"), [words.left()])
    with page.card():
        note(page, "拒绝原因：" + words.pick("商品没有质量问题", "已超售后期", "请先寄回商品"), colour=page.theme.ink)
        goods(page, words.product())
    foot_buttons(page, ["修改申请", "申请平台介入"])
    with sheet(page, page.rng.uniform(280, 380), words.pick("申请平台介入", "要平台帮忙处理吗", "平台介入说明")):
        for text in (
            "平台客服介入后会联系双方核实",
            "需要您在规定时间内提供凭证",
            words.pick("介入期间您的款项不会打给商家", "平台判定后双方需执行结果"),
        ):
            note(page, "· " + text, colour=page.theme.ink, size=13)
        button(page, 18, page.height - 100, WIDTH - 36, words.pick("确认申请介入", "立即申请平台介入"), height=38)
        button(page, 18, page.height - 56, WIDTH - 36, "再和商家协商", main=False, height=38)


@family(COMPLAINT)
def report_kinds(page: Page) -> None:
    """What the report is about: a list of kinds."""
    words = page.words
    title_bar(page, words.pick("举报", "我要举报", "举报商品", "举报卖家", "投诉类型"))
    note(page, "  " + words.pick("请选择举报类型，我们会为您保密", "请选择您遇到的问题"))
    with page.card():
        for text in words.few("complaint_reasons", 7, 12):
            pair(page, text, ">")
            page.gap(5)
    note(page, "  恶意举报会影响账号信用")


@family(COMPLAINT)
def report_form(page: Page) -> None:
    """The report's form with reason, words, pictures, telephone."""
    words = page.words
    title_bar(page, words.pick("填写举报信息", "投诉商家", "发起投诉", "提交投诉"))
    with page.card():
        goods(page, words.product())
        pair(page, words.pick("被投诉方", "举报对象"), words.shop, private=True)
    with page.card():
        heading(page, words.pick("投诉原因", "举报理由"), "必选")
        chips(page, words.few("complaint_reasons", 4, 7), 1)
        upload(page, words.pick("请描述违规情况，最多500字", "说说发生了什么，便于核实"), "上传证据", "0/500")
        pair(page, "联系电话", "1" + words.number(2) + "****" + words.number(4), private=True)
        pair(page, words.pick("匿名举报", "匿名投诉"), "●")
    foot_buttons(page, [words.pick("提交投诉", "提交举报", "提交")])


@family(COMPLAINT)
def report_result(page: Page) -> None:
    """The report was taken, founded or unfounded."""
    words = page.words
    title_bar(page, words.pick("举报详情", "投诉结果", "举报结果", "投诉单详情"))
    state = words.pick("举报成立", "投诉成功", "投诉不成立", "举报已受理", "投诉已撤销", "核查中")
    empty_picture(page, state, sub=words.pick("已对该商品作下架处理", "商家已被扣分处罚", "证据不足，未认定违规"))
    rows(
        page,
        ("举报类型", words.say("complaint_reasons")),
        ("提交时间", words.stamp(90)),
        ("处理时间", words.stamp(4)),
        ("投诉编号", words.number(12)),
    )
    with page.card():
        heading(page, "处理说明")
        note(
            page,
            words.pick(
                "感谢您的监督，我们将继续加强巡查。", "您可以补充证据后再次举报。", "商家已向您致歉并承诺整改。"
            ),
        )
    foot_buttons(page, words.pick("继续举报,返回", "撤销投诉,补充证据", "满意,不满意").split(","), None)


@family(COMPLAINT, app="cainiao")
def courier_complaint_options(page: Page) -> None:
    """Complaining of a courier over the parcel's page."""
    words = page.words
    title_bar(page, words.pick("投诉快递", "快递投诉", "物流投诉", "投诉派件员"))
    with page.card():
        pair(page, words.courier, words.number(13), private=True)
        pair(page, "派件员", words.pick("王师傅", "李**", "网点 " + words.site()))
    with page.card():
        choices(
            page,
            words.some(
                [
                    "未送货上门",
                    "态度恶劣",
                    "虚假签收",
                    "包裹破损丢失",
                    "派送太慢",
                    "乱收费",
                    "未经同意放驿站",
                    "驿站服务差",
                ],
                5,
                8,
            ),
            title=words.pick("请选择投诉原因", "投诉问题"),
            marked=0,
        )
        upload(page, "补充说明(选填)", "图片")
    foot_buttons(page, [words.pick("提交投诉", "确认投诉")])
    if words.chance(0.3):
        dialog(page, "投诉已提交", "我们会催促快递公司在24小时内与您联系", ["知道了"])


@family(COMPLAINT)
def complaint_list(page: Page) -> None:
    """My complaints and reports."""
    words = page.words
    title_bar(page, words.pick("我的投诉", "举报记录", "投诉管理", "举报中心"))
    tabs(page, words.pick("全部,处理中,已完成", "我发起的投诉,我收到的", "投诉,举报,维权").split(","))
    if words.chance(0.3):
        icons(page, ["举报商品", "举报店铺", "投诉快递", "知识产权"])
    for _ in range(4):
        with page.card():
            heading(page, words.pick("投诉", "举报") + "：" + words.say("complaint_reasons"), words.short(200))
            note(page, words.pick("投诉对象 ", "举报对象 ") + words.shop)
            pair(
                page,
                words.pick("待商家申诉", "平台核实中", "投诉成立", "举报未成立", "已撤诉"),
                "查看",
                colour=page.theme.accent,
            )


@family(COMPLAINT, app="browser")
def consumer_hotline(page: Page) -> None:
    """A public office for complaints: a case with its number and office."""
    words = page.words
    title_bar(page, words.pick("12315投诉详情", "黑猫投诉", "消费投诉", "12345热线工单", "邮政申诉"))
    with page.card():
        heading(page, words.pick("投诉进度：已转办", "企业已回复", "待分配", "调解成功", "不予受理"))
        timeline(
            page,
            [
                (
                    words.pick("企业回复", "受理", "办结"),
                    words.short(3),
                    words.pick("已联系消费者协商", "承诺退款处理"),
                ),
                (words.pick("分派", "审核通过"), words.short(50), words.city() + "市市场监督管理局"),
                ("消费者发起投诉", words.short(70), "诉求：" + words.pick("退一赔三", "退款", "道歉赔偿")),
            ],
        )
    rows(page, ("被投诉企业", words.shop), ("投诉问题", words.say("complaint_reasons")), ("投诉编号", words.number(14)))
    centre(page, words.pick("撤回投诉", "补充材料"), 14, page.theme.accent)
