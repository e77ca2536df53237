"""What happens in a simulated room: who says, gives and does what, and when."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from shizi.errors import DataError
from shizi.live.event import Gift, Kind

Rng = np.random.Generator


def _listed(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_FIRST = _listed(
    "爱吃 追风的 一只 南城 快乐 深海 半糖 山里的 月下 奔跑的 小小 北方 会飞的 佛系 老 "
    "清晨 孤独的 不吃 阿 大 温柔 七月 云朵 江南 西瓜味 暴躁 想睡觉的 努力 "
)
_LAST = _listed(
    "小猫 少年 青柠 糖果 旅人 小鱼 香菜 柠檬 老王 丽丽 星河 团子 土豆 姑娘 先生 兔子 "
    "西红柿 阳光 石头 云 大叔 学姐 麦子 海棠 豆浆 小鹿 木子 听雨 "
)
_LATIN = ("Leo", "Amy", "Tony", "Kiki", "Jason", "Coco", "Momo", "Lucky", "Ray", "Vivi")
_COMMENTS = _listed(
    "这件多少钱 有没有大码 主播今天真好看 666 哈哈哈哈 已拍 什么时候发货 来了来了 "
    "链接在哪里 能不能便宜点 支持支持 这个颜色适合黄皮吗 求上链接！ 下单了，麻烦早点发货 "
    "主播讲解一下3号链接的材质和尺码 声音有点小 昨天买的已经收到了，质量很好，会回购的 "
    "卡了吗？ 新来的，关注了 身高160体重100斤穿什么码 太厉害了吧 老铁没毛病 "
    "可以便宜20块吗 好听 这首歌叫什么名字呀 我也要抽奖 "
    "第一次来你的直播间，感觉气氛很不错，以后会常来的 晚上好 退货包运费吗 还有库存吗 打卡 "
    "冲冲冲 牛啊 这操作可以的 为什么我抢不到 1 好 "
)
_GIFTS = _listed("小心心 玫瑰 棒棒糖 大啤酒 人气票 热气球 嘉年华 为你点亮 墨镜 跑车 ")
_SYSTEM = (
    "欢迎来到直播间！严禁未成年人直播或打赏，请文明发言",
    "系统提示：请勿私下交易，谨防诈骗",
    "直播间倡导绿色健康，发现违规请举报",
)
_NOTICES = ("全场满199减50，拍下备注尺码", "今晚八点抽奖，点关注不迷路", "每天19点准时开播")
SIGNS = "丶灬★☆"
"""What people put before or after their nicknames."""
CURRENCY, AMOUNTS = "¥", (30, 50, 100, 500, 1000)
"""What a card costs."""
WORDS = "".join(
    (*_FIRST, *_LAST, *_LATIN, "用户", *_COMMENTS, *_GIFTS, *_SYSTEM, *_NOTICES, CURRENCY)
)
"""Every character of the built-in texts."""

# Shares of what people do; the rest comments.
_SHARES: dict[Kind, float] = {
    "join": 0.18,
    "gift": 0.08,
    "follow": 0.03,
    "like": 0.03,
    "share": 0.02,
    "system": 0.01,
}


@dataclass(frozen=True, slots=True)
class Act:
    """Something that the room shows.

    Attributes:
        time: when it arrives, seconds.
        kind: what it is.
        user: nickname, or empty.
        text: what is said, or empty.
        level: number on the badge.
        gift: as first shown.
        counts: later counts of the same gift, each with its time in seconds.
    """

    time: float
    kind: Kind
    user: str
    text: str = ""
    level: int | None = None
    gift: Gift | None = None
    counts: tuple[tuple[float, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Pace:
    """How busy a room is.

    Attributes:
        usual: messages a second.
        burst: messages a second within a burst.
        share: share of the time that is burst.
    """

    usual: float
    burst: float
    share: float


def read_lines(paths: Sequence[Path], covers: Callable[[str], bool]) -> list[str]:
    """Lines of text files that can be written, each once, 1 to 40 characters long.

    Raises:
        DataError: a file cannot be read.
    """
    lines: dict[str, None] = {}
    for path in paths:
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise DataError(f"cannot read texts from {path}: {error}") from error
        tidy = (" ".join(line.split()) for line in text.splitlines())
        lines.update(dict.fromkeys(t for t in tidy if 0 < len(t) <= 40 and covers(t)))
    return list(lines)


def write_script(rng: Rng, seconds: float, pace: Pace, comments: Sequence[str]) -> list[Act]:
    """Make up what happens, in order of time.

    Args:
        rng: source of chance.
        seconds: length of the clip; the last second stays quiet.
        pace: how busy the room is.
        comments: what people may say, besides a small list of common sayings.
    """
    users = [(_nickname(rng), int(rng.integers(1, 60))) for _ in range(max(12, int(seconds)))]
    messages: list[Act] = []
    for time in _arrivals(rng, seconds, pace):
        user, level = users[int(len(users) * rng.random() ** 1.5)]
        kind = _kind(rng)
        last = messages[-1] if messages else None
        if last and last.kind == "comment" and kind == "comment" and rng.random() < 0.08:
            messages.append(replace(last, time=time))  # the same, said again
            continue
        messages.append(_message(rng, time, kind, user, level, comments))
    return messages


def adorned(rng: Rng, script: Sequence[Act], signs: Sequence[str]) -> list[Act]:
    """The same, some of whose people have a sign or a pictogram before or after their names."""
    names = {act.user: act.user for act in script if act.user}
    for name in names:
        if rng.random() < 0.1:
            sign = signs[int(rng.integers(len(signs)))]
            names[name] = sign + name if rng.random() < 0.5 else name + sign
    return [replace(act, user=names.get(act.user, "")) for act in script]


def paid(rng: Rng, script: Sequence[Act], share: float) -> list[Act]:
    """The same, a share of whose comments are cards that somebody paid for."""
    amounts = [int(rng.choice(AMOUNTS)) if rng.random() < share else 0 for _ in script]
    return [
        replace(act, kind="gift", gift=Gift(CURRENCY, amount))
        if amount and act.kind == "comment"
        else act
        for act, amount in zip(script, amounts, strict=True)
    ]


def notice(rng: Rng) -> Act:
    """A pinned notice, shown from the start."""
    return Act(0.0, "notice", "", str(rng.choice(_NOTICES)))


def _message(
    rng: Rng, time: float, kind: Kind, user: str, level: int, comments: Sequence[str]
) -> Act:
    if kind == "comment":
        said = comments if comments and rng.random() < 0.75 else _COMMENTS
        return Act(time, kind, user, said[int(rng.integers(len(said)))], level)
    if kind == "gift":
        first = 1 if rng.random() < 0.8 else int(rng.choice([2, 5, 10, 66]))
        gift = Gift(_GIFTS[int(len(_GIFTS) * rng.random() ** 1.5)], first)
        steps = int(rng.integers(1, 9)) if rng.random() < 0.5 else 0
        counts = tuple((time + 0.4 * (i + 1), first + i + 1) for i in range(steps))
        return Act(time, kind, user, "", level, gift, counts)
    if kind == "system":
        return Act(time, kind, "", str(rng.choice(_SYSTEM)))
    return Act(time, kind, user, "", level)


def _kind(rng: Rng) -> Kind:
    left = rng.random()
    for kind, share in _SHARES.items():
        left -= share
        if left < 0:
            return kind
    return "comment"


def _arrivals(rng: Rng, seconds: float, pace: Pace) -> list[float]:
    """Times of a Poisson process whose rate rises for stretches of three seconds."""
    times, time = [], 0.3
    stretches = rng.random(int(seconds / 3) + 2) < pace.share
    while time < seconds - 1:
        times.append(time)
        rate = pace.burst if stretches[int(time / 3)] else pace.usual
        time += float(rng.exponential(1 / rate)) * 0.7 + 0.3 / rate
    return times


def _nickname(rng: Rng) -> str:
    kind = rng.random()
    name = str(rng.choice(_FIRST)) + str(rng.choice(_LAST))
    if kind < 0.15:
        name = str(rng.choice(_LATIN)) + str(rng.integers(10, 9999))
    elif kind < 0.3:
        name += str(rng.integers(1, 999))
    elif kind < 0.36:
        name = f"用户{rng.integers(10**6, 10**7)}"
    elif kind < 0.42:
        name = str(rng.choice(_LAST)) + str(rng.choice(_LATIN))
    return name
