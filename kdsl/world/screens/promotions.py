"""Promotions: posters, state subsidies, lotteries, the terms of a shop's offer."""

from __future__ import annotations

from kdsl.world.screens.page import WIDTH, Page
from kdsl.world.screens.product_pictures import vivid
from kdsl.world.screens.theme import WHITE
from kdsl.world.screens.words import Words


def event_poster(page: Page, words: Words) -> None:
    """An event told by one long poster: name, dates, ways to play, gifts."""
    tone = vivid(page.rng)
    page.gradient(0, page.height, tone, WHITE)
    page.photo = words.chance(0.3)
    page.y = 30
    page.centre(words.say("events"), 34, WHITE, bold=True)
    page.centre(
        f"{words.stamp(90, '%m.%d')} - {words.stamp(-90, '%m.%d')} {words.pick('限时开启|全场狂欢|错过等一年')}",
        14,
        WHITE,
    )
    for index in range(page.rng.randint(2, 4)):
        with page.card():
            page.heading(words.pick("福利|玩法|惊喜") + "一二三四"[index] + "  " + words.say("gifts"), colour=tone)
            page.note(
                words.pick(
                    "活动期间每个账号限参与一次|数量有限，先到先得|下单满额自动参与，无需报名|"
                    "奖品将在活动结束后7个工作日内寄出"
                )
            )
    page.centre(words.pick("活动最终解释权归本店所有|点击立即参与|详情咨询客服"), 13)


def subsidy_hall(page: Page, words: Words) -> None:
    """State subsidy, trade-in, trial: qualification and steps."""
    page.gradient(0, 220, (220, 40, 40), (255, 190, 120))
    page.title_bar(words.pick("政府补贴|国家补贴|以旧换新|U先试用|0元试用|新人专区"))
    page.centre(words.pick("至高补贴20%|家电换新立减|领资格享补贴|申请免费试用"), 28, WHITE, bold=True)
    with page.card():
        page.pair("当前地区", words.city() + ">")
        page.steps_bar(["领取资格", "选购商品", "立减下单", "签收核验"], page.rng.randint(0, 2))
        page.button(
            page.left + 40,
            page.y,
            page.right - page.left - 80,
            words.pick("查看我的资格|实名领取资格|立即申请|名额已满"),
        )
        page.y += 40
    page.tabs(["手机数码", "大家电", "厨卫", "家装", "规则"])
    page.strip("", 1)


def lottery(page: Page, words: Words) -> None:
    """A wheel or a grid of prizes with chances left, tasks, winners."""
    page.fill(0, 0, WIDTH, page.height, page.rng.choice(((240, 70, 60), (250, 150, 40), (120, 70, 220))))
    page.status_bar(colour=(200, 50, 50), ink=WHITE)
    page.centre(words.pick("幸运大转盘|九宫格抽奖|会员抽奖|砸金蛋|下单抽免单|助力赢好礼"), 28, WHITE, bold=True)
    prizes = ["谢谢参与", "5元红包", "免单一次", "小样礼盒", "100积分", "优惠券", "手机", "再来一次", "开始抽奖"]
    for index, name in enumerate(page.rng.sample(prizes, 9)):
        x, y = 40 + 96 * (index % 3), page.y + 12 + 84 * (index // 3)
        page.fill(x, y, x + 88, y + 76, (255, 244, 220), 8)
        page.text(x + 44, y + 30, name, 13, (170, 60, 30), align="c")
    page.y += 276
    page.centre(f"今日剩余{page.rng.randint(0, 5)}次机会  {words.pick('活动规则|我的奖品')}", 14, WHITE)
    with page.card():
        page.heading(words.pick("做任务赚机会|中奖名单"))
        for _ in range(3):
            page.pair(
                words.pick("浏览店铺15秒", "关注店铺", "邀请1位好友", words.say("nicknames") + " 抽中"),
                words.pick("去完成|已完成|5元红包"),
            )


def shop_promotion(page: Page, words: Words) -> None:
    """A shop's promotion: money off by steps, gifts at payment, how to join."""
    page.title_bar(words.pick("促销活动|满减活动|赠品详情|活动说明|优惠活动"))
    with page.card():
        page.heading(
            words.say("events") + words.pick("满赠|满减|限时折扣"),
            words.pick("进行中|即将开始"),
            colour=page.theme.accent,
        )
        page.note(
            words.pick(
                "满199减20，满399减50，上不封顶|第二件半价，以最低价计算|前1小时付尾款送赠品|每满300减50，可跨店凑单"
            ),
            colour=page.theme.ink,
        )
        page.pair("活动时间", words.stamp(50, "%m-%d") + "至" + words.stamp(-99, "%m-%d"))
        page.pair("赠品", words.say("gifts"))
    page.tiles(3, labels=[words.pick("赠完即止|赠品|加1元换购")])
    page.choices(["活动范围：指定商品", "不与其他优惠叠加", "退货需退回赠品"], mark="·")
    page.foot_buttons(["去凑单", "我知道了"])
