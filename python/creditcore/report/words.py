"""The words of reports, in English and Chinese.

Comes in: nothing. Goes out: pairs (English, Chinese) by name. `{}` stands for figures and names, by name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from creditcore.errors import ArgumentError

Pair = tuple[str, str]
LANGUAGES = {"en": "en", "zh": "zh-CN"}
"""What a user asks for, and how a page names it."""

WORDS: dict[str, Pair] = {
    # The first screen.
    "synthetic": (
        "Synthetic data. Persons, companies and figures are made up; nothing here says anything about a real place.",
        "合成数据。人员、企业与数字均为虚构，不反映任何真实地区的情况。",
    ),
    "not_official": (
        "Not an official statistic. Figures describe one lender's records, not the people of a place.",
        "非官方统计。数字仅描述一家机构的记录，不代表当地居民。",
    ),
    "title": ("{what} by {unit}", "各{unit}{what}排名"),
    "mean_of": ("Mean {score}", "{score} 均值"),
    "share_of": ("Share with {score} above {cut}", "{score} 高于 {cut} 的占比"),
    "ratio_of": ("Ratio of {numerator} to {denominator}", "{numerator} 与 {denominator} 之比"),
    "who": ("Who is in it", "统计对象"),
    "what": ("What is averaged", "统计指标"),
    "weight": ("By what weight", "权重"),
    "when": ("As of", "截至"),
    "not_stated": ("not stated", "未注明"),
    "person": ("persons", "个人"),
    "enterprise": ("enterprises", "企业"),
    "units": ("units", "统计单元"),
    "records": ("records", "条记录"),
    "all": ("persons and enterprises together", "个人与企业合计"),
    "counted": ("{n} {kind}", "{n} {kind}"),
    "by_unit": (
        "one record each of {records} records: the {pick} by {time}",
        "源自 {records} 条记录，每个单元按 {time} 取{pick}",
    ),
    "by_join": (
        "one figure each of {records} records: the {pick}",
        "源自 {records} 条记录，每个单元取{pick}",
    ),
    "by_record": ("of {records} records, each counting once", "源自 {records} 条记录，每条各计一次"),
    "latest": ("latest", "最新一条"),
    "first": ("first", "最早一条"),
    "mean": ("mean", "均值"),
    "sum": ("sum", "合计"),
    "left_out": ("{n} left out, by cause below", "剔除 {n} 条，原因见下文"),
    "equal_weight": ("Each counts the same", "等权"),
    "weighted_by": ("By {weight}", "按 {weight} 加权"),
    "by_population": ("To the population, by {by}", "按人口加权（{by}）"),
    "covered": ("units are {share} of the people", "样本占人口的 {share}"),
    "over_nation": ("{mean} over all of them", "总体为 {mean}"),
    "lede": (
        "{name} stands first with {mean}. With {confidence} confidence its true place among {ranked} {units} lies "
        "{places}.",
        "{name}以 {mean} 居首。在 {confidence} 置信水平下，其在 {ranked} 个{units}中的真实名次{places}。",
    ),
    "surely": ("at {low} and no other", "为第 {low} 位"),
    "between": ("between {low} and {high}", "介于第 {low} 至第 {high} 位"),
    "lede_tier": (
        "The first tier holds {n} {units}; within it, order says little.",
        "第一梯队共有 {n} 个{units}，其内部次序意义不大。",
    ),
    # Navigation and buttons.
    "ranking": ("Ranking", "排名"),
    "provinces": ("Provinces", "省份"),
    "families": ("Groups of regions", "区域分组"),
    "distribution": ("Distribution", "分布"),
    "moves": ("Moves", "升降"),
    "withheld": ("Not shown", "未列示"),
    "method": ("Method", "方法"),
    "data": ("Data", "数据"),
    "language": ("Language", "语言"),
    "appearance": ("Appearance", "外观"),
    "auto": ("As the device", "跟随系统"),
    "light": ("Light", "浅色"),
    "dark": ("Dark", "深色"),
    "skip": ("Skip to the ranking", "跳至排名"),
    "contents": ("Contents", "目录"),
    # Search.
    "search": ("Where is …?", "查找地区"),
    "search_hint": ("A name or code: Jiaxing, 嘉兴, 330400", "名称或代码：嘉兴、Jiaxing、330400"),
    "found_none": ("No region of that name or code.", "没有该名称或代码的地区。"),
    "found": ("{n} found; the first is {name}.", "找到 {n} 个，第一个是{name}。"),
    "found_hint": ("Names in English or Chinese, or codes.", "可输入中英文名称或行政区划代码。"),
    "in_nation": ("Place in the country", "全国名次"),
    "in_group": ("Place", "名次"),
    "in_parent": ("Place in {parent}", "{parent}内名次"),
    "of_ranked": ("of {n}", "共 {n} 个"),
    "true_place": ("true place {places}", "真实名次 {places}"),
    "own_place": ("by itself {places}", "单独看 {places}"),
    "to_nation": ("Against the mean of all", "与总体均值之差"),
    "to_parent": ("Against {parent}", "与{parent}之差"),
    "same": ("Cannot be told from", "无法区分的地区"),
    "same_none": ("Told from every other.", "与其他地区均可区分。"),
    "and_more": ("and {n} more", "等另外 {n} 个"),
    "no_rank": ("No place: fewer than {min_n} in it.", "不参与排名：少于 {min_n} 个。"),
    "no_records": ("No records.", "没有记录。"),
    "is_suppressed": ("Figures are not shown: {reason}.", "数字不予列示：{reason}。"),
    "history": ("History", "历次发布"),
    "show_row": ("Show in the table", "在表中查看"),
    # The table.
    "top_caption": ("The first {n} of {ranked} {units}", "前 {n} 名（共 {ranked} 个{units}）"),
    "all_caption": ("All {ranked} {units}", "全部 {ranked} 个{units}"),
    "table_note": (
        "Lines are intervals of the mean ({confidence}), the dotted line is the mean of all. Intervals of the true "
        "place hold for every row at once; within a tier, order says little.",
        "横线为均值的 {confidence} 区间，虚线为总体均值。“真实名次”区间对所有行同时成立；同一梯队内部次序意义不大。",
    ),
    "show_all": ("Show all {ranked}", "显示全部 {ranked} 个"),
    "show_top": ("Show the first {n}", "只显示前 {n} 名"),
    "place": ("Place", "名次"),
    "name": ("Name", "名称"),
    "interval": ("Mean and interval", "均值与区间"),
    "mean_head": ("Mean", "均值"),
    "error": ("±", "±"),
    "counted_head": ("{kind}", "{kind}"),
    "between_head": ("True place", "真实名次"),
    "tier": ("Tier", "梯队"),
    "tier_n": ("Tier {n}", "第 {n} 梯队"),
    "n": ("n", "n"),
    "move": ("Move", "升降"),
    "code": ("Code", "代码"),
    "ci": ("Interval", "区间"),
    "sort": ("Sort by {column}", "按{column}排序"),
    "below_scale": ("runs on beyond the scale", "超出刻度"),
    "table_of": ("Figures of this chart", "图表数据"),
    # Sections.
    "map_title": ("{what} by province", "各省级行政区{what}"),
    "map_note": (
        "One tile for each of the {n} province-level units, about where it lies. Colours tell the distance to the "
        "mean of all, {mean}.",
        "每格代表一个省级行政区（共 {n} 个），位置大致对应地理方位；颜色表示与总体均值 {mean} 的差距。",
    ),
    "no_data": ("no figure", "无数字"),
    "bars_title": ("Provinces in order, with intervals", "各省级行政区次序与区间"),
    "bars_note": (
        "Dots are means, lines their intervals ({confidence}); the upright line is the mean of all.",
        "圆点为均值，横线为 {confidence} 区间，竖线为总体均值。",
    ),
    "families_title": (
        "North and south, coast and inland, regions and belts",
        "南北、沿海与内陆、区域与经济带",
    ),
    "families_note": (
        "Each unit counts once in a family; belts overlap, leave places out and are not summed.",
        "每组内各单元只计一次；经济带相互重叠且不覆盖全国，不作加总。",
    ),
    "all_places_title": ("Every {unit} at once", "全部{unit}一览"),
    "all_places_note": (
        "From the first to the last place: the mean and its interval. Where lines overlap, order is uncertain.",
        "自第一名至最后一名：均值及其区间。区间重叠之处，次序并不确定。",
    ),
    "shares_title": ("How scores are spread within the first {n}", "前 {n} 名内部的分布"),
    "shares_note": (
        "Weighted shares of scores in five bands; a mean alone hides how unequal a place is.",
        "按分数段加权占比；仅看均值会掩盖地区内部的差异。",
    ),
    "band_below": ("up to {high}", "不高于 {high}"),
    "band": ("{low} to {high}", "{low} 至 {high}"),
    "band_above": ("above {low}", "高于 {low}"),
    "moves_title": ("Moves since {when}", "自 {when} 以来的升降"),
    "nation": ("All", "总体"),
    "moves_note": (
        "Differences of means with their intervals. In bold what is significant at 5 % over all rows together (Holm). "
        "Who, weights and scores add up to the difference.",
        "均值之差及其区间。粗体为全部行合并检验（Holm）在 5% 水平上显著者；人员、权重、分数三部分之和等于差值。",
    ),
    "moves_break": ("The two releases cannot be compared: {why}.", "两次发布不可比：{why}。"),
    "was": ("Place before", "上次名次"),
    "now": ("Place now", "本次名次"),
    "difference": ("Difference", "均值之差"),
    "by_who": ("Who", "人员"),
    "by_weights": ("Weights", "权重"),
    "by_scores": ("Scores", "分数"),
    "moved_status": ("In both", "两次均有"),
}

WORDS |= {
    "withheld_title": ("Regions without a figure or a place", "没有数字或名次的地区"),
    "suppressed_list": ("Not published ({n})", "不予公布（{n} 个）"),
    "reason": ("Reason", "原因"),
    "unranked_list": (
        "Too few for a place ({n}): fewer than {min_n}",
        "不足 {min_n} 个，不参与排名（{n} 个）",
    ),
    "without_list": ("No records ({n})", "没有记录（{n} 个）"),
    "withheld_none": (
        "Every region of the table has figures and a place.",
        "区划表中的所有地区均有数字与名次。",
    ),
    "account_title": ("What became of every record", "全部记录的去向"),
    "account_caption": ("Records in = used + left out", "记录总数 = 使用 + 剔除"),
    "cause": ("Cause", "原因"),
    "used": ("used", "使用"),
    "total": ("records", "记录总数"),
    "unresolved_list": (
        "Values that name no region, the most frequent first",
        "未能识别为地区的取值（按频次）",
    ),
    "sure_title": ("What is sure", "确定程度"),
    "measure_title": ("What is measured", "统计口径"),
    "limits_title": ("What it does not say", "未能说明的内容"),
    "again_title": ("To get these figures again", "如何复现"),
    "data_title": ("The figures themselves", "原始数据"),
    "download": ("Download {file}", "下载 {file}"),
    "checksum": ("SHA-256", "SHA-256"),
    "csv_note": (
        "{rows} rows, {bytes} bytes, inside this page; the same bytes as the command below writes.",
        "{rows} 行，{bytes} 字节，内嵌于本页，与下列命令写出的文件逐字节一致。",
    ),
    "csv_note_plain": (
        "{rows} rows, {bytes} bytes, inside this page.",
        "{rows} 行，{bytes} 字节，内嵌于本页。",
    ),
    "dictionary": ("What the columns mean", "字段说明"),
    "column": ("Column", "字段"),
    "type": ("Type", "类型"),
    "meaning": ("Meaning", "含义"),
    "made_by": (
        "Made by creditcore {version}. This page is one file and asks nothing of the network.",
        "由 creditcore {version} 生成。本页为单一文件，不发起任何网络请求。",
    ),
    "sources": ("Files: {files}", "数据文件：{files}"),
    "parent_head": ("Province", "省份"),
}

REASONS: dict[str, Pair] = {
    "few_units": ("too few in it", "样本过少"),
    "dominance": ("one of them weighs too much", "单个单元权重过大"),
    "complementary": ("another hidden figure would follow from it", "若公布则可推算出其他隐去的数字"),
}
"""Why a row is not published."""

UNITS: dict[str, tuple[Pair, Pair]] = {
    "city": (("city", "城市"), ("cities", "城市")),
    "province": (("province", "省级行政区"), ("provinces", "省级行政区")),
    "nation": (("nation", "国家"), ("nations", "国家")),
    "north_south": (("north and south", "南北"), ("groups", "分组")),
    "coast": (("coast and inland", "沿海与内陆"), ("groups", "分组")),
    "nbs_region": (("economic region", "经济区域"), ("regions", "经济区域")),
    "belts": (("economic belt", "经济带"), ("belts", "经济带")),
    "province_kind": (("kind of province", "省级单位类别"), ("kinds", "类别")),
}
"""A level or family in the singular and the plural."""

FAMILY_NAMES: dict[str, Pair] = {
    "south": ("South", "南方"),
    "north": ("North", "北方"),
    "coastal": ("Coastal", "沿海"),
    "inland": ("Inland", "内陆"),
    "east": ("East", "东部"),
    "central": ("Central", "中部"),
    "west": ("West", "西部"),
    "northeast": ("Northeast", "东北"),
    "YRD": ("Yangtze River Delta", "长三角"),
    "GBA": ("Greater Bay Area", "粤港澳大湾区"),
    "BTH": ("Beijing–Tianjin–Hebei", "京津冀"),
    "YangtzeEB": ("Yangtze Economic Belt", "长江经济带"),
    "YellowRiver": ("Yellow River Basin", "黄河流域"),
    "ChengduChongqing": ("Chengdu–Chongqing", "成渝地区"),
    "municipality": ("Municipalities", "直辖市"),
    "province": ("Provinces proper", "省"),
    "autonomous_region": ("Autonomous regions", "自治区"),
    "sar": ("Special administrative regions", "特别行政区"),
}

ABBREVIATIONS: dict[str, Pair] = {
    "110000": ("BJ", "京"),
    "120000": ("TJ", "津"),
    "130000": ("HE", "冀"),
    "140000": ("SX", "晋"),
    "150000": ("NM", "蒙"),
    "210000": ("LN", "辽"),
    "220000": ("JL", "吉"),
    "230000": ("HL", "黑"),
    "310000": ("SH", "沪"),
    "320000": ("JS", "苏"),
    "330000": ("ZJ", "浙"),
    "340000": ("AH", "皖"),
    "350000": ("FJ", "闽"),
    "360000": ("JX", "赣"),
    "370000": ("SD", "鲁"),
    "410000": ("HA", "豫"),
    "420000": ("HB", "鄂"),
    "430000": ("HN", "湘"),
    "440000": ("GD", "粤"),
    "450000": ("GX", "桂"),
    "460000": ("HI", "琼"),
    "500000": ("CQ", "渝"),
    "510000": ("SC", "川"),
    "520000": ("GZ", "贵"),
    "530000": ("YN", "云"),
    "540000": ("XZ", "藏"),
    "610000": ("SN", "陕"),
    "620000": ("GS", "甘"),
    "630000": ("QH", "青"),
    "640000": ("NX", "宁"),
    "650000": ("XJ", "新"),
    "710000": ("TW", "台"),
    "810000": ("HK", "港"),
    "820000": ("MO", "澳"),
}
"""Provinces where there is room for little: ISO 3166-2:CN, and the character on number plates."""

CAUSES: dict[str, Pair] = {
    "other_kind": ("of another kind", "其他类别"),
    "null_kind": ("without a kind", "无类别"),
    "null_score": ("without a score", "无分数"),
    "nan_score": ("score is not a number", "分数非数值"),
    "infinite_score": ("score is infinite", "分数为无穷"),
    "null_weight": ("without a weight", "无权重"),
    "nan_weight": ("weight is not a number", "权重非数值"),
    "infinite_weight": ("weight is infinite", "权重为无穷"),
    "negative_weight": ("negative weight", "权重为负"),
    "negative_denominator": ("negative denominator", "分母为负"),
    "null_unit": ("without a unit", "无统计单元标识"),
    "null_time": ("without a time", "无时间"),
    "superseded": ("another record of the same unit counts", "同一单元已取其他记录"),
    "merged_into_unit": ("part of its unit's figure", "已并入所属单元"),
    "null_region": ("without a region", "无地区"),
    "unresolved_region": ("region is not known", "地区无法识别"),
    "ambiguous_region": ("several regions have that name", "地名对应多个地区"),
    "no_city": ("code stops at a province", "代码仅到省级"),
}


def pair(name: str, /, **parts: Any) -> Pair:
    """Give the words of a name with figures and names in their places; a part may be a pair itself."""
    english, chinese = WORDS[name]
    # A space parts Chinese from other letters and figures only.
    filled = re.sub(r"(?<=[\u4e00-\u9fff]) (?=[\u4e00-\u9fff])", "", chinese.format(**_side(parts, 1)))
    return english.format(**_side(parts, 0)), filled


def _side(parts: Mapping[str, Any], side: int) -> dict[str, Any]:
    return {name: part[side] if isinstance(part, tuple) else part for name, part in parts.items()}


def unit_words(by: str) -> tuple[Pair, Pair]:
    """Give what a level or a column counts, in the singular and the plural."""
    return UNITS.get(by, ((by, by), ("groups", "分组")))


def language_of(name: str) -> str:
    """Give the tag of a language.

    Raises:
        ArgumentError: a language that reports are not written in.
    """
    if name not in LANGUAGES:
        raise ArgumentError(f"`lang` is `{name}`; allowed are {', '.join(LANGUAGES)}")
    return LANGUAGES[name]
