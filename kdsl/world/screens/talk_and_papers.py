"""Pages of no scene: talk, mood pictures, papers, help and rules, invoices, games, favourites, live rooms."""

from __future__ import annotations

from kdsl.world.screens.page import WIDTH, Page
from kdsl.world.screens.product_pictures import vivid
from kdsl.world.screens.theme import BLACK, WHITE, mix
from kdsl.world.screens.words import Words


def service_talk(page: Page, words: Words) -> None:
    """A talk with the shop's or the platform's helper, about no scene in particular."""
    page.title_bar(words.pick("阿里小蜜", "智能客服", words.shop, "淘宝客服"))
    for index in range(5):
        page.bubble(
            words.pick(
                "您好，有什么可以帮您|在的亲|请问这边什么问题呢|稍等|好的|人工客服|还在吗|猜您想问|谢谢|收到请回复"
            ),
            mine=index % 2 == 1,
        )
    page.chips(words.some("查订单|改地址|开发票|转人工|常见问题|服务评价", 3, 5))


def mood_picture(page: Page, words: Words) -> None:
    """A picture with a few large words, sent for its mood."""
    page.height = page.rng.choice((180, 240, 300, 360))
    page.photo = True
    page.gradient(0, page.height, vivid(page.rng), vivid(page.rng))
    for _ in range(page.rng.randint(2, 7)):
        page.oval(
            page.rng.uniform(0, WIDTH), page.rng.uniform(0, page.height), page.rng.uniform(10, 70), vivid(page.rng)
        )
    if words.chance(0.8):
        page.y = page.rng.uniform(20, page.height - 60)
        page.centre(words.say("nature"), page.rng.choice((22, 30, 38)), words.rng.choice((WHITE, BLACK)), bold=True)


def document_scrap(page: Page, words: Words) -> None:
    """A table, a form, a calendar, a note: no page of a shop."""
    page.fill(0, 0, WIDTH, page.height, (252, 252, 250))
    ink = (40, 40, 44)
    page.y = 24
    page.centre(
        words.pick("备忘录|通知|课程表|价目表|收据|检测报告|授权书|保修条例|营业执照|聊天备份"), 22, ink, bold=True
    )
    left, right = 20, WIDTH - 20
    for row in range(page.rng.randint(5, 11)):
        page.stroke((left, page.y), (right, page.y), colour=(180, 180, 184))
        page.text(
            left + 6,
            page.y + 10,
            words.pick("姓名", "日期", "项目", "第" + str(row + 1) + "条", "金额", "备注", "星期一", "单位", "结论"),
            13,
            ink,
        )
        page.text(
            150,
            page.y + 10,
            words.pick(
                words.stamp(40, "%Y-%m-%d"), words.number(4), "合格", "语文", words.city(), "/", words.product().noun
            ),
            13,
            ink,
        )
        page.y += 34
    if words.chance(0.5):
        page.oval(WIDTH - 90, page.y, 40, None, (220, 40, 40))
        page.text(WIDTH - 90, page.y - 8, "专用章", 14, (220, 40, 40), align="c")


def account_help(page: Page, words: Words) -> None:
    """Help centre, real name, addresses, security, rating of service."""
    page.title_bar(words.pick("帮助中心|收货地址|实名认证|登录|服务评价|常见问题|账号申诉|新建地址"))
    if words.chance(0.4):
        page.empty_picture(
            words.pick("网络竟然崩溃了|页面走丢了|加载中…|认证已通过|登录已过期"),
            sub=words.pick("刷新试试|请重新登录|"),
        )
    with page.card():
        page.choices(
            words.some(
                "如何修改手机号|账号被限制怎么办|怎么设默认地址|如何关闭免密|怎样注销账号|如何联系人工|大会员怎么退",
                4,
                6,
            ),
            mark=">",
        )
    with page.card():
        page.sections(
            (words.pick("温馨提示|说明"), words.pick("以上内容由智能助手整理，仅供参考。|请保证填写的信息真实有效。"))
        )
    if words.chance(0.4):
        with page.sheet(page.height * 0.6, words.pick("请评价本次服务|选择地区|验证手机号")):
            page.chips(["非常满意", "满意", "一般", "不满意"])
    else:
        page.strip("", 1)


def live_room(page: Page, words: Words) -> None:
    """A live room: talk running over the picture."""
    page.fill(0, 0, WIDTH, page.height, mix(vivid(page.rng), BLACK, 0.5))
    page.status_bar(colour=BLACK, ink=WHITE)
    page.thing(60, 120, 300, 420)
    page.text(14, page.y + 8, words.shop[:8] + words.pick("  12.3万观看|  关注"), 14, WHITE)
    for index in range(4):
        page.text(
            14,
            page.height - 210 + index * 26,
            words.say("nicknames") + "：" + words.pick("主播好|来了|多少钱|扣1|有小码吗|几号链接"),
            13,
            WHITE,
        )
    page.text(14, page.height - 60, words.pick("说点什么…|跟主播聊聊"), 13, WHITE)
    page.text(WIDTH - 14, page.height - 60, words.pick("宝贝口袋 36|礼物 点赞"), 13, WHITE, align="r")


def service_standard(page: Page, words: Words) -> None:
    """A long rule of the platform."""
    name = words.pick("价保服务标准|隐私政策|用户协议|发票规则|运费险条款")
    page.title_bar(name)
    with page.card():
        page.heading(name)
        for number, head in zip("一二三", ("什么是这项服务？", "适用范围", "申请流程"), strict=True):
            page.heading(f"{number}、{head}")
            page.note(
                words.pick(
                    "消费者通过平台购买带有服务标识的商品，在约定期间内可以按本标准提出申请。|"
                    "平台有权根据业务需要修改本条款，并在页面公示。|"
                    "申请提交后由系统审核，审核通过的将在三个工作日内处理。"
                )
                * 2,
                colour=page.theme.ink,
            )


def invoice(page: Page, words: Words) -> None:
    """An invoice that is asked for or issued."""
    page.title_bar(words.pick("发票中心|发票详情|申请开票"))
    with page.card():
        page.heading(words.pick("申请中|已开票|开票失败"), colour=page.theme.accent)
        page.note(f"商家{words.left()}处理时间")
        for key, value, private in (
            ("发票类型", words.pick("普通发票-纸质|普通发票-电子"), False),
            ("发票抬头", words.pick("个人|公司"), True),
            ("税号", words.number(15), True),
            ("发票金额", f"{page.rng.uniform(20, 5000):.2f}元", False),
            ("发票内容", "明细", False),
            ("申请日期", words.stamp(90, "%Y.%m.%d"), False),
        ):
            page.pair(key, value, private=private)
    page.foot_buttons(words.pick("换开发票,联系商家|催开票").split(","), None)


def recycling(page: Page, words: Words) -> None:
    """A second-hand or service order: recycling, repair, installation."""
    page.title_bar(words.pick("回收单|安装服务|维修进度|上门服务"))
    page.heading(words.pick("  已下单，等服务商上门取件|  服务商已接单|  待质检"))
    page.tabs(["已下单", "待取件", "待质检", "待完成", "待评价"])
    with page.card():
        page.pair("上门时间", words.stamp(-20, "%Y-%m-%d 09:00-18:00"))
        page.pair("服务商", words.city() + "服务中心")
        page.goods(words.product(), price=False)
        page.note("请提前与服务商沟通，备份并清除个人数据")
    page.buttons(["取消服务", "联系服务商"], None)


def packet_game(page: Page, words: Words) -> None:
    """Red packets in a group, boxes with prizes."""
    page.gradient(0, page.height, (250, 120, 60), (250, 210, 120))
    page.title_bar(words.pick("开宝箱赢好礼|红包接龙群|幸运抽奖|淘金币夺宝"))
    page.y += 40
    with page.card():
        page.empty_picture(
            words.pick("恭喜中奖了！|再抽一次|谢谢参与"),
            sub=words.pick("获得10元超市卡代金券|好友拆到大红包，大家一起分|今日还可抽2次"),
        )
        page.buttons(["立即使用", "再抽一次"])
    with page.card():
        page.heading(words.pick("箱内好礼|排行榜"), "规则")
        for name in words.some("100元红包|超市卡|充电宝|纸巾一箱|会员周卡", 3, 4):
            page.pair(name, words.pick("剩余3份|已抢完|待开奖"))


def favourites(page: Page, words: Words) -> None:
    """Favourites and footprints."""
    page.title_bar(words.pick(f"我的收藏({page.rng.randint(3, 200)})", "我的足迹", "收藏夹"), right=["管理"])
    page.tabs(["宝贝", "图文", "视频", "话题", "清单"])
    page.chips(["宝贝状态", "收藏时间", "全部分类"])
    page.note("  只看降价的宝贝")
    for _ in range(5):
        with page.card(pad=6):
            page.goods(words.product(), count=None)
            page.note(f"{page.rng.randint(9, 900)}人收藏  去店铺  找相似")


def expired_product(page: Page, words: Words) -> None:
    """A product that is no more."""
    page.title_bar(words.pick("商品过期不存在|宝贝不存在|页面失效"))
    page.y += 30
    page.empty_picture(words.pick("商品过期不存在|宝贝已失效|直播已结束"), sub="看看相似的宝贝")
    page.strip("", 2)


def home_with_popup(page: Page, words: Words) -> None:
    """The app's home with a game or an advert over it."""
    page.fill(0, 0, WIDTH, page.height, page.theme.page)
    page.y = 80
    page.chips(["天猫新品", "今日爆款", "飞猪旅行", "省钱消消消", "领淘金币", "阿里拍卖", "充值中心", "分类"])
    page.strip("", 2)
    page.veil(0.6)
    page.popup = True
    page.fill(60, 220, WIDTH - 60, 500, (90, 60, 200), 16)
    page.centred(260, words.pick("新版本上线|开启定位|签到提醒|年度账单|好友送你一份礼物"), 20, WHITE, bold=True)
    page.centred(440, words.pick("立即体验|去看看|以后再说"), 17, WHITE)
