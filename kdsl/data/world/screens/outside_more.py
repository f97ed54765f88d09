"""More screens from outside: wallets, couriers' pages in other apps, gadgets, blocked messages."""

from __future__ import annotations

from kdsl.data.world.screens.page import WIDTH, Page
from kdsl.data.world.screens.registry import family
from kdsl.data.world.screens.theme import WHITE
from kdsl.data.world.screens.toolkit import (
    buttons,
    chips,
    foot_buttons,
    goods,
    heading,
    note,
    pair,
    status_bar,
    tab_bar,
    timeline,
    title_bar,
)
from kdsl.data.world.screens.tracking import journey

OUTSIDE = "外部APP截图"


@family(OUTSIDE, app="wechat", weight=1.5)
def wallet_bill(page: Page) -> None:
    """A payment in another wallet, seen afterwards."""
    words = page.words
    title_bar(page, words.pick("", "账单详情"), centred=True)
    page.y += 40
    page.text(
        WIDTH / 2, page.y, "扫二维码付款-给" + page.rng.choice(words.book["nicknames"]), 14, align="c", private=True
    )
    page.text(WIDTH / 2, page.y + 30, "-" + words.price(sign=""), 34, align="c", bold=True)
    page.y += 96
    for key, value in (
        ("当前状态", words.pick("支付成功", "已全额退款", "对方已收钱")),
        ("收款方备注", "二维码收款"),
        ("支付方式", words.pick("零钱", "零钱通", "银行卡")),
        ("转账时间", words.stamp(form="%Y年%-m月%-d日 %H:%M:%S")),
        ("转账单号", words.number(24)),
    ):
        pair(page, key, value, private=key == "转账单号")
    page.gap(16)
    heading(page, "账单服务")
    note(page, "对订单有疑惑  发起群收款  联系收款方")


@family(OUTSIDE, app="sf", weight=1.5)
def courier_fee(page: Page) -> None:
    """A courier's bill for one parcel."""
    words, rng = page.words, page.rng
    title_bar(page, words.pick("费用明细", "运单详情"), right=["运单详情>"])
    fee = rng.randint(12, 90)
    with page.card():
        heading(page, "费用合计", f"￥{fee}")
        note(page, "对运费有疑问?")
        pair(page, "基础运费", f"￥{fee}")
        note(page, f"首重(1.0kg){fee / 3:.1f}元,续重6.0元/kg;{words.pick('顺丰标快', '特快专递', '标准快递')}")
        pair(page, "计费类型", words.pick("按重量计费", "按体积计费"))
        pair(page, "计费重量", f"{rng.randint(1, 16)}.0kg")
        pair(page, "保价费", "￥0")
    with page.card():
        note(page, "这次的运费说明您看懂了吗？")
        buttons(page, ["不清晰", "很清晰"], None)


@family(OUTSIDE, app="browser", weight=1.5)
def courier_mini_page(page: Page) -> None:
    """A courier's tracking inside another app."""
    words = page.words
    title_bar(page, words.pick("快递详情", "物流详情", "快件跟踪", "快递100"), centred=True)
    with page.card():
        pair(page, words.courier, words.number(14), private=True)
        pair(page, words.pick("5元起寄全国", "免费包裹等您来领"), words.pick("立即领取", "+订阅物流"))
    with page.card():
        for _, time, text in journey(words, 6):
            note(page, time)
            note(page, text, colour=page.theme.ink, size=13)
    note(page, "  更新可以打给快递公司或问卖家。电话：95" + words.number(3))


@family(OUTSIDE, app="system")
def gadget_app(page: Page) -> None:
    """The app of a camera, a watch or another device at home."""
    words = page.words
    title_bar(page, words.pick("摄像头", "智能家居", "运动健康", "儿童手表", "扫地机器人"), right=["设置"])
    page.fill(0, page.y, WIDTH, page.y + 210, (50, 54, 60))
    page.text(14, page.y + 10, words.stamp(), 12, WHITE)
    page.text(WIDTH / 2, page.y + 92, words.pick("设备离线", "实时画面", "连接中...", "正在充电"), 16, WHITE, align="c")
    page.y += 218
    chips(page, words.some(["生活报告", "睡眠记录", "消息", "媒体库", "对讲", "回放", "电量80%", "固件升级"], 4, 7))
    with page.card():
        for key in words.some(["设备信息", "网络设置", "使用帮助", "分享设备", "删除设备"], 3, 5):
            pair(page, key, ">")
    tab_bar(page, ["设备", "场景", "商城", "我的"])


@family(OUTSIDE, app="system")
def blocked_messages(page: Page) -> None:
    """Advertising messages of shops in the message list."""
    words = page.words
    title_bar(page, words.pick("骚扰拦截", "通知类短信", "信息", "黑名单拦截"))
    for index in range(6):
        heading(
            page,
            words.pick("淘宝", "天猫", "1069" + words.number(9), words.rng.choice(words.book["brands"])),
            words.stamp(index * 30, "%H:%M"),
        )
        note(
            page,
            words.pick(
                "权益以app里写的为准", "好物推荐，快来看看>", "您的会员权益即将到期 退订回T", "大促开始啦，点击查看"
            ),
        )


@family(OUTSIDE, app="pdd")
def rival_options(page: Page) -> None:
    """The option panel of another shop's app, with its own subsidy words."""
    words = page.words
    product = words.product()
    status_bar(page)
    page.thing(0, page.y, WIDTH, page.y + 90, product.thing)
    page.y += 96
    with page.card():
        note(page, "正品带票·顺丰送货·可退换")
        heading(page, "百亿补贴", "官方补贴，全网低价")
        goods(page, product, price=False)
        heading(
            page,
            f"券后{words.price(product.price)} 补贴价{words.price(product.price * 1.05)}",
            colour=page.theme.accent,
        )
        note(page, f"正品保障 平台验过真，放心买  已选:{product.spec}")
        for key, values in product.options.items():
            heading(page, key)
            chips(page, values, 0)
        pair(page, "送货入户", "即将恢复原价")
    foot_buttons(page, [words.pick("立即支付", "免拼购买", "确定")])


@family(OUTSIDE, app="douyin")
def video_with_bar(page: Page) -> None:
    """A video with comments flying over it."""
    words = page.words
    page.fill(0, 0, WIDTH, page.height, (12, 12, 14))
    page.thing(0, 210, WIDTH, 520)
    page.text(14, 40, words.pick("关注", "已关注"), 14, WHITE)
    page.y = page.height - 120
    page.text(14, page.y, words.pick("今天试穿这一件...展开全文", "测评来了...展开", "路边随手拍"), 14, WHITE)
    page.text(14, page.y + 60, words.pick("发弹幕", "说点什么", "喜欢就点个赞"), 13, (170, 170, 170))
    page.text(
        WIDTH - 14, page.y + 60, f"{words.number(3)}   {words.number(2)}   {words.number(2)}", 13, WHITE, align="r"
    )


@family(OUTSIDE, app="jd")
def rival_parcel(page: Page) -> None:
    """A parcel in another shop's app."""
    words = page.words
    title_bar(page, words.pick("配送详情", "订单跟踪", "物流信息"))
    with page.card():
        heading(page, words.pick("京东快递 配送中", "抖音电商 运输中", "拼多多 派送中"), "在线客服")
        timeline(page, journey(words, 4))
    with page.card():
        goods(page, words.product())
        note(page, words.pick("京豆 优惠券 PLUS权益", "抖音商城 极速退", "多多驿站 拼单返现"))
