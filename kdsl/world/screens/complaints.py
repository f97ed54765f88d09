"""Complaints and reports."""

from __future__ import annotations

from kdsl.world.screens.page import Page
from kdsl.world.screens.words import Words

Step = tuple[str, str, str]


def _complaint_steps(words: Words) -> list[Step]:
    """A complaint's progress, newest first."""
    sum_ = words.price(words.rng.uniform(3, 60), sign="")
    grievance = words.say("grievances")
    verdicts = [
        (
            "平台客服判决，投诉成立",
            f"现金赔付{sum_}元已打到您的支付宝，可到支付宝的账单里查看。卖家违约一事记入该店考核，平台会按规则给予警告、扣分或降权。",
        ),
        (
            "平台客服判决，投诉完成",
            "经平台判定，卖家违约成立，可是店铺保证金余额不够，理赔要晚一些。我们正在催缴，卖家补足之后马上给您赔付，请再等一等。",
        ),
        ("专属客服判决，投诉成立", f"按平台规则要赔付您{sum_}元。卖家的保证金余额不够，我们正在催缴，请再等一等。"),
        ("您的投诉处理好了", f"按规则赔付的红包到账了，合计{sum_}元"),
        ("投诉不成立", "经核实，暂未发现卖家存在您反馈的违规行为，感谢您的监督"),
        ("投诉赔付催缴完结", f"卖家经催缴补足，赔付您的{sum_}元已打款。"),
    ]
    title, text = words.rng.choice(verdicts)
    steps = [
        (title, words.short(2), text),
        ("专属客服加急处理中", "预计72小时内处理完成", "专属客服正在加急看您说的问题，请稍等片刻。"),
        ("平台核实处理中", words.short(30), "大约要三个工作日，处理好会通知您。"),
        ("卖家超时未回复", words.short(50), "后续由平台客服跟进。"),
        ("卖家处理中", words.short(60), "卖家要在一天之内答复您，没有答复的话会介入。"),
        (words.pick("您发起投诉|投诉已发起"), words.short(75), f"投诉原因：物流发货类-{grievance}"),
    ]
    return [steps[0], *words.rng.sample(steps[1:5], words.rng.randint(0, 3)), steps[5]]


def _complaint_info(page: Page, words: Words) -> None:
    with page.card():
        page.heading("投诉信息")
        page.goods(words.product())
        page.pair("投诉单号", words.number(12), private=True)
        page.pair("投诉原因", words.pick("|发货物流问题-") + words.say("grievances"))


def complaint_detail(page: Page, words: Words) -> None:
    """投诉详情: verdict, steps, what was complained about."""
    page.title_bar("投诉详情")
    page.banner(
        words.pick("投诉已处理完成|您的投诉处理好了|专属客服处理中|投诉处理中|专属客服处理好了"),
        [words.pick("|有问题可让专属客服打给您 一键召唤")],
    )
    with page.card():
        page.timeline(_complaint_steps(words)[: page.rng.randint(1, 3)])
        page.note("全部进度>")
    _complaint_info(page, words)
    page.foot_buttons(words.pick("联系卖家,官方客服|补充描述,撤销投诉|联系卖家").split(","), None)


def complaint_progress(page: Page, words: Words) -> None:
    """全部进度 over a complaint."""
    complaint_detail(page, words)
    with page.sheet(page.rng.uniform(150, 330), "全部进度"):
        page.timeline(_complaint_steps(words))


def complaint_service(page: Page, words: Words) -> None:
    """服务进度: all complaints with their states."""
    page.title_bar(words.pick("服务进度|我的投诉|举报记录|投诉记录"))
    for _ in range(3):
        with page.card():
            page.heading(f"投诉卖家：{words.say('grievances')}", words.pick("处理中|处理完成|已撤销"))
            page.goods(words.product())
            page.note(
                words.pick(
                    "卖家处理中 一天内答复|投诉已处理完成|平台客服判决，投诉成立|"
                    "您已撤销投诉 问题没有解决时可以再次发起"
                )
            )
            page.buttons(words.pick("查看留言,查看详情|查看详情").split(","), None)


def complaint_form(page: Page, words: Words) -> None:
    """The form of a complaint or a report."""
    page.title_bar(words.pick("投诉卖家|我要投诉|举报|投诉|举报商品|投诉物流"))
    with page.card():
        page.goods(words.product())
    with page.card():
        page.heading(words.pick("请选择投诉原因|投诉类型|举报类型|请选择举报理由"))
        for grievance in page.rng.sample(words.book["grievances"], page.rng.randint(3, 6)):
            page.pair(grievance, words.pick("○|>"))
    with page.card():
        page.heading(words.pick("投诉说明|问题描述|举报内容"))
        page.note(words.pick("请详细描述您遇到的问题，以便客服更快处理|请填写投诉内容，不少于10个字"))
        page.note("上传凭证 最多9张  0/500")
        page.pair("联系电话", "138****" + words.number(4), private=True)
    page.foot_buttons([words.pick("提交投诉|提交|提交举报")])


def public_report(page: Page, words: Words) -> None:
    """A report to the market authority."""
    page.title_bar(words.pick("我的举报|举报详情|投诉详情|我的投诉"), centred=True)
    with page.card():
        for key, value in (
            ("举报对象" if words.chance(0.5) else "被投诉企业", words.shop),
            ("举报类型", "电商平台"),
            ("订单号", words.order()),
            ("商品/服务类别", words.product().noun),
            ("品牌", words.say("brands")),
            ("商品/服务名称", words.product().title),
            ("消费金额", f"{page.rng.randint(9, 9000)}元"),
            ("举报问题类型", words.pick("欺诈消费者行为|商品质量问题|虚假宣传")),
            ("涉及医药领域", "否"),
            ("处理单位", words.city() + "市市场监督管理局"),
            ("处理结果", words.pick("已受理|不予立案|待受理|调解成功")),
            ("是否同意公示对该企业的投诉", "是"),
        ):
            page.pair(key, value, spread=True)
        page.heading(words.pick("举报内容|投诉内容"))
        page.note(
            words.pick(
                "商家承诺现货，付款后迟迟不发，联系也不回复，请求核实处理。|"
                "收到的商品与页面宣传不一致，商家拒绝承担责任。|"
                "下单付款后被单方面取消订单，要求说明原因并赔偿。"
            ),
            colour=page.theme.ink,
        )
    page.note("  消费者附件信息 附件名称 img_01.jpg")


def complaint_verdict(page: Page, words: Words) -> None:
    """A plain result of a complaint."""
    page.title_bar("投诉")
    page.banner(words.pick("投诉成立|投诉不成立|投诉已受理"), [words.stamp(20)])
    with page.card():
        page.note(
            words.pick(
                "处理结论：经核实投诉成立，详情请见短信通知|"
                "投诉处理：卖家存在违约行为，已对卖家进行处罚|经核实，您的投诉证据不足，暂无法判定"
            ),
            colour=page.theme.ink,
        )
        page.pair("评价服务", ">")
        page.pair("协商历史", ">")
    with page.card():
        page.heading("订单信息")
        page.goods(words.product())
        page.pair("成交时间", words.stamp(500))
    page.foot_buttons(["咨询卖家", "联系卖家", "咨询小蜜"], None)


def complaint_message(page: Page, words: Words) -> None:
    """Words left by the service under a complaint."""
    complaint_service(page, words)
    with page.sheet(page.rng.uniform(120, 260), words.pick("留言|投诉卖家虚假发货|查看留言")):
        for index in range(3):
            page.note(words.stamp(20 + 40 * index))
            page.note(
                words.pick(
                    "您反馈的发货问题属实，投诉成立，赔付红包已发放，可在我的淘宝-红包卡券里查看。|"
                    "后续会加强对商家的管理，谢谢您的监督。|"
                    "已联系商家核实，请保持电话畅通，感谢您的理解。"
                ),
                colour=page.theme.ink,
                most=6,
            )
        page.note("服务结束，不能再留言")


def complain_courier(page: Page, words: Words) -> None:
    """A complaint about a courier."""
    page.title_bar(words.pick("投诉物流|投诉快递|投诉详情"))
    with page.card():
        page.pair(words.courier, words.number(13), private=True)
        page.heading(words.pick("投诉类型|请选择投诉类型"))
        page.chips(words.some("虚假签收|服务态度差|未送货上门|包裹破损|包裹丢失|派送延误|乱收费", 4, 7), 0)
        page.note(words.pick("投诉内容：未经同意放到驿站|请描述投诉的具体情况"), colour=page.theme.ink)
    with page.card():
        page.timeline(
            [
                (words.pick("投诉处理中|投诉已完结"), words.short(4), "快递公司正在核实，将在24小时内回复您"),
                ("投诉已提交", words.short(20), "投诉工单已生成"),
            ]
        )
    page.foot_buttons(["提交投诉", "撤销投诉"])


def report_kinds(page: Page, words: Words) -> None:
    """What the report is about: a list of kinds."""
    page.title_bar(words.pick("举报|我要举报|举报商品|举报卖家|投诉类型"))
    page.note("  " + words.pick("请选择举报类型，我们会为您保密|请选择您遇到的问题"))
    with page.card():
        for text in words.few("complaint_reasons", 7, 12):
            page.pair(text, ">")
            page.gap(5)
    page.note("  恶意举报会影响账号信用")


def report_form(page: Page, words: Words) -> None:
    """The report's form with reason, words, pictures, telephone."""
    page.title_bar(words.pick("填写举报信息|投诉商家|发起投诉|提交投诉"))
    with page.card():
        page.goods(words.product())
        page.pair(words.pick("被投诉方|举报对象"), words.shop, private=True)
    with page.card():
        page.heading(words.pick("投诉原因|举报理由"), "必选")
        page.chips(words.few("complaint_reasons", 4, 7), 1)
        page.upload(words.pick("请描述违规情况，最多500字|说说发生了什么，便于核实"), "上传证据", "0/500")
        page.pair("联系电话", words.phone(), private=True)
        page.pair(words.pick("匿名举报|匿名投诉"), "●")
    page.foot_buttons([words.pick("提交投诉|提交举报|提交")])


def report_result(page: Page, words: Words) -> None:
    """The report was taken, founded or unfounded."""
    page.title_bar(words.pick("举报详情|投诉结果|举报结果|投诉单详情"))
    state = words.pick("举报成立|投诉成功|投诉不成立|举报已受理|投诉已撤销|核查中")
    page.empty_picture(state, sub=words.pick("已对该商品作下架处理|商家已被扣分处罚|证据不足，未认定违规"))
    page.rows(
        ("举报类型", words.say("complaint_reasons")),
        ("提交时间", words.stamp(90)),
        ("处理时间", words.stamp(4)),
        ("投诉编号", words.number(12)),
    )
    with page.card():
        page.heading("处理说明")
        page.note(
            words.pick("感谢您的监督，我们将继续加强巡查。|您可以补充证据后再次举报。|商家已向您致歉并承诺整改。")
        )
    page.foot_buttons(words.pick("继续举报,返回|撤销投诉,补充证据|满意,不满意").split(","), None)


def courier_complaint_options(page: Page, words: Words) -> None:
    """Complaining of a courier over the parcel's page."""
    page.title_bar(words.pick("投诉快递|快递投诉|物流投诉|投诉派件员"))
    with page.card():
        page.pair(words.courier, words.number(13), private=True)
        page.pair("派件员", words.pick("王师傅", "李**", "网点 " + words.site()))
    with page.card():
        page.choices(
            words.some("未送货上门|态度恶劣|虚假签收|包裹破损丢失|派送太慢|乱收费|未经同意放驿站|驿站服务差", 5, 8),
            title=words.pick("请选择投诉原因|投诉问题"),
            marked=0,
        )
        page.upload("补充说明(选填)", "图片")
    page.foot_buttons([words.pick("提交投诉|确认投诉")])
    if words.chance(0.3):
        page.dialog("投诉已提交", "我们会催促快递公司在24小时内与您联系", ["知道了"])


def complaint_list(page: Page, words: Words) -> None:
    """My complaints and reports."""
    page.title_bar(words.pick("我的投诉|举报记录|投诉管理|举报中心"))
    page.tabs(words.pick("全部,处理中,已完成|我发起的投诉,我收到的|投诉,举报,维权").split(","))
    if words.chance(0.3):
        page.icons(["举报商品", "举报店铺", "投诉快递", "知识产权"])
    for _ in range(4):
        with page.card():
            page.heading(words.pick("投诉|举报") + "：" + words.say("complaint_reasons"), words.short(200))
            page.note(words.pick("投诉对象 |举报对象 ") + words.shop)
            page.pair(words.pick("待商家申诉|平台核实中|投诉成立|举报未成立|已撤诉"), "查看", colour=page.theme.accent)


def consumer_hotline(page: Page, words: Words) -> None:
    """A public office for complaints: a case with its number and office."""
    page.title_bar(words.pick("12315投诉详情|黑猫投诉|消费投诉|12345热线工单|邮政申诉"))
    with page.card():
        page.heading(words.pick("投诉进度：已转办|企业已回复|待分配|调解成功|不予受理"))
        page.timeline(
            [
                (words.pick("企业回复|受理|办结"), words.short(3), words.pick("已联系消费者协商|承诺退款处理")),
                (words.pick("分派|审核通过"), words.short(50), words.city() + "市市场监督管理局"),
                ("消费者发起投诉", words.short(70), "诉求：" + words.pick("退一赔三|退款|道歉赔偿")),
            ]
        )
    page.rows(("被投诉企业", words.shop), ("投诉问题", words.say("complaint_reasons")), ("投诉编号", words.number(14)))
    page.centre(words.pick("撤回投诉|补充材料"), 14, page.theme.accent)
