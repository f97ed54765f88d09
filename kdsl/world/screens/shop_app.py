"""Pages of the shop's app that are no scene: settings, search, recommendations, notices, records, games, scraps."""

from __future__ import annotations

from kdsl.world.screens.page import WIDTH, Page
from kdsl.world.screens.product_page import product_top
from kdsl.world.screens.product_pictures import vivid
from kdsl.world.screens.returns import return_done
from kdsl.world.screens.theme import WHITE
from kdsl.world.screens.toolkit import APP_TABS, MESSAGE_TABS
from kdsl.world.screens.words import Words


def message_settings(page: Page, words: Words) -> None:
    """The shop app's settings and service pages."""
    page.title_bar(words.pick("消息设置|设置|隐私设置|账号与安全|我的地址|通知"))
    with page.card():
        for key in words.some(
            "交易物流|服务提醒|互动娱乐|赞评关注|活动优惠|淘宝团队|店铺客服消息|好友消息|"
            "陌生人聊天消息|群聊消息|允许手机通知|收货地址|实名认证|清除缓存",
            6,
            11,
        ):
            page.pair(key, words.pick("不接收>|>|>|已开启"))
            page.gap(4)
    page.note("  选择要收哪些平台通知")


def search_goods(page: Page, words: Words) -> None:
    """Search results."""
    page.search_bar(words.product().noun, "搜索")
    page.tabs(["综合", "销量", "天猫", "店铺", "筛选"])
    if words.chance(0.5):
        page.chips(words.some("百亿补贴|品牌|能效等级|颜色|退货包运费|价格", 3, 5))
    for _ in range(5):
        product = words.product()
        page.thing(8, page.y, 118, page.y + 110, product.thing)
        page.y += 2
        page.text(128, page.y, product.title, 14, width=220)
        page.text(128, page.y + 24, words.pick("官方旗舰·保证正品|热销 7天无理由|本店第2名"), 11, page.theme.accent)
        page.text(128, page.y + 60, f"{words.price(product.price)} {words.sold()}", 15, page.theme.accent, bold=True)
        page.text(128, page.y + 86, words.pick("包邮|小时达|退货包运费") + " " + words.shop, 11, page.theme.muted)
        page.y += 120


def failed_page(page: Page, words: Words) -> None:
    """Something went wrong, or nothing is here."""
    page.title_bar(words.pick("售后为何发起不了|提示|加载失败|出错了|确认结果"))
    page.y += 120
    title, sub = page.rng.choice(
        (
            ("啊哦，出错了", "人太多了，刷新看看"),
            ("该订单暂时不能申请售后", "订单已经超出可以申请的时间，请与卖家沟通"),
            ("网络不给力", "请检查网络设置后重试"),
            ("商家还没审核，提交失败", "联系商家查看详情"),
            ("暂无内容", "去别处看看吧"),
            ("页面不存在", "该页面已被删除"),
            ("人机验证", "请按住滑块，拖动到最右边"),
        )
    )
    page.empty_picture(title, sub=sub, size=90)
    page.button(110, page.y + 6, 140, words.pick("刷新|返回|联系卖家|网络诊断"), main=False, height=36)


def feed(page: Page, words: Words) -> None:
    """Recommended goods, no page of their own."""
    page.search_bar(words.product().noun, "搜索", back=False)
    page.tabs(words.pick("关注,推荐,618狂欢,穿搭,视频|推荐,大额抵10%+,下单返,1元秒,大牌小样").split(","), 1)
    page.strip(words.pick("|在这里下单有返现 满额可用"), 3)
    page.tab_bar(APP_TABS, 0)


def mixed_messages(page: Page, words: Words) -> None:
    """The list of notices."""
    page.title_bar("通知")
    page.tabs(MESSAGE_TABS, page.rng.randint(1, 5))
    for index in range(4):
        with page.card():
            page.heading(
                words.pick("淘宝活动提醒|您的宝贝支付成功|商家发货晚了补偿|互动消息|会员权益提醒|店铺上新"),
                words.pick("昨天", "星期五", words.stamp(index * 40, "%H:%M")),
            )
            page.note(
                words.pick(
                    "支付信息:支付成功 点这里看订单详情>>|有3位好友赞了你|您关注的店铺上新了|"
                    "您的权益即将到期|补偿金额：5.00元 立即查看"
                )
            )


def freight_panel(page: Page, words: Words) -> None:
    """Fragments: a rule, a number, a popup over a page of another scene."""
    page.rng.choice((return_done, product_top, feed))(page, words)
    if words.chance(0.6):
        page.dialog(
            words.pick("寄件费用|温馨提示|打开通知|账号异常|更新提醒"),
            words.pick(
                "首重费(1kg以内价格) ¥9.00 实付金额¥9.00|系统升级中，请稍后再来|开启后不错过消息|"
                "您的账号在另一台设备登录|发现新版本，是否立即更新"
            ),
            ["取消", "确定"],
        )
    else:
        page.veil(0.6)
        page.centred(380, words.pick("网络连接失败|加载中...|正在为您跳转"), 17, WHITE)


def fragment(page: Page, words: Words) -> None:
    """A scrap with a line or two."""
    page.height = page.rng.randint(60, 260)
    page.photo = True
    page.fill(0, 0, WIDTH, page.height, page.rng.choice((page.theme.card, page.theme.page, vivid(page.rng))))
    page.y = 14
    for text in page.rng.sample(
        [
            "延期规则",
            "仍可使用",
            "复制成功",
            "已读",
            "详见说明",
            words.stamp(),
            words.order(),
            words.address(),
            "共1件",
            "查看更多",
            "加载中",
            "好的",
        ],
        page.rng.randint(1, 4),
    ):
        page.note(text, colour=page.theme.ink, size=page.rng.choice((12, 14, 17)))


def sticker(page: Page, words: Words) -> None:
    """A sticker: a face and a few words."""
    page.height = page.rng.randint(300, 400)
    page.photo = True
    page.fill(0, 0, WIDTH, page.height, page.rng.choice((WHITE, (250, 240, 200), vivid(page.rng))))
    page.oval(180, 150, 96, (255, 214, 90), (60, 40, 20))
    for x in (146, 214):
        page.oval(x, 130, 12, (40, 30, 20))
    page.stroke((140, 190), (160, 204), (200, 204), (220, 190), colour=(120, 40, 30), width=5)
    page.text(
        180,
        page.height - 54,
        words.pick("谢谢老板|收到|无语|好的|生气了|在线等|辛苦啦|求求了"),
        32,
        (30, 30, 30),
        align="c",
        bold=True,
    )


def reward_game(page: Page, words: Words) -> None:
    """A page that gives things for free, or a service list."""
    page.title_bar(words.pick("种树免费领权益|天猫小黑盒|试用领取|淘宝直播|二手估价"))
    with page.card():
        page.heading(words.pick("选择兑换的奖励|当前种植|正在直播"), "修改>")
        for index in range(4):
            left, top = page.left + 160 * (index % 2), page.y + 140 * (index // 2)
            page.thing(left, top, left + 150, top + 96)
            page.text(left + 75, top + 102, words.product().noun, 12, align="c")
            page.text(
                left + 75, top + 120, words.pick("太热门，抢光了|立即领取|免费领"), 11, page.theme.accent, align="c"
            )
        page.y += 286
        page.note("每天10点补货，明天再来，或换一件礼品")
    page.coupon("券", "限时", "更多福利", "去看看")


def aftersales_mix(page: Page, words: Words) -> None:
    """Records of several kinds on one page."""
    page.title_bar(words.pick("售后记录|我的客服|服务记录|我的足迹|收藏夹"))
    for _ in range(3):
        with page.card():
            page.heading(words.pick("退货|价保成功|维修|足迹|收藏"), words.pick("查看详情|"))
            page.goods(words.product())
            page.note(words.pick("已完成|服务已结束|降价3元|相似推荐"))
            page.buttons(words.some("删除记录|钱款去向|联系商家|找相似", 1, 3), None)


def reading(page: Page, words: Words) -> None:
    """A novel, an article or a certificate."""
    page.status_bar()
    page.fill(0, page.y, WIDTH, page.height, (246, 238, 220))
    page.centred(page.y + 20, words.pick("第十二章 归途|公告|保修卡|合格证|说明书"), 20, (60, 50, 40), bold=True)
    page.y += 60
    parts = (
        "天色渐渐暗下来",
        "他把信放在桌上",
        "窗外的雨还没有停",
        "本产品经检验合格准予出厂",
        "请妥善保管此卡",
        "使用前请仔细阅读",
        "她想起那年夏天的海",
        "如有疑问请联系当地服务网点",
    )
    for _ in range(5):
        page.note("，".join(page.rng.sample(parts, 4)) + "。", colour=(70, 60, 50), size=15)
        page.gap(6)
