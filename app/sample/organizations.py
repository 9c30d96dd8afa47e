"""Who takes part in the sample market. Names are invented; tax identifiers have right check digits."""

from __future__ import annotations

from dataclasses import dataclass, field

PASSWORD = "market-sample-2026"  # noqa: S105 - printed by `market up`, sandbox only
"""Of every sample person."""
APPROVAL_ABOVE_MINOR = 500_000
"""¥5,000: twenty seats of the sample subscription pass, a hundred need the approver."""


@dataclass(frozen=True, slots=True)
class SamplePerson:
    """Somebody who signs in. The first of an organization is its owner."""

    email: str
    name: str
    role: str
    role_zh: str
    locale: str = "zh-CN"


@dataclass(frozen=True, slots=True)
class SampleOrganization:
    """An organization of the sample market. `key` is what the rest of the sample data calls it."""

    key: str
    legal_name: str
    display_name: str
    tax_id: str
    address: str
    people: tuple[SamplePerson, ...]
    is_seller: bool = False
    locale: str = "zh-CN"
    channel: tuple[str, str, str] | None = None
    """Handle, Chinese and English name."""
    who_en: str = field(default="")
    who_zh: str = field(default="")


ORGANIZATIONS = (
    SampleOrganization(
        key="yihao",
        legal_name="杭州一号直聘网络科技有限公司",
        display_name="1号直聘",
        tax_id="91330106MA2CF9B3RJ",
        address="浙江省杭州市西湖区文三路 90 号 3 幢 501 室",
        people=(
            SamplePerson("owner@yihao.example", "林一舟", "owner", "所有者"),
            SamplePerson("catalog@yihao.example", "周禾", "catalog", "商品"),
            SamplePerson("finance@yihao.example", "许宁", "finance", "财务"),
            SamplePerson("dev@yihao.example", "沈知行", "developer", "开发"),
        ),
        is_seller=True,
        channel=("yihao-zhipin", "1号直聘", "Yihao Hiring"),
        who_en="Seller, recruiting software",
        who_zh="卖方 · 招聘软件",
    ),
    SampleOrganization(
        key="harbor",
        legal_name="港湾备份软件（上海）有限公司",
        display_name="Harbor Backup",
        tax_id="91310115MA1K4A2X1N",
        address="上海市浦东新区张江路 665 号 2 楼",
        people=(SamplePerson("owner@harbor.example", "Grace Holloway", "owner", "所有者", "en"),),
        is_seller=True,
        locale="en",
        channel=("harbor-backup", "Harbor Backup", "Harbor Backup"),
        who_en="Seller, server backup",
        who_zh="卖方 · 服务器备份",
    ),
    SampleOrganization(
        key="qidian",
        legal_name="北京起点企服传媒有限公司",
        display_name="起点企服",
        tax_id="91110108MA01R2P7T7",
        address="北京市海淀区中关村大街 27 号 1105",
        people=(SamplePerson("owner@qidian.example", "何嘉", "owner", "所有者"),),
        channel=("qidian-qifu", "起点企服", "Qidian Reviews"),
        who_en="Promoter with a channel",
        who_zh="推广方 · 企服频道",
    ),
    SampleOrganization(
        key="xinghe",
        legal_name="深圳星河精密制造有限公司",
        display_name="星河精密",
        tax_id="91440300MA5GT8W6UM",
        address="广东省深圳市南山区科苑南路 2666 号 12 层",
        people=(
            SamplePerson("owner@xinghe.example", "陈星", "owner", "所有者"),
            SamplePerson("buyer@xinghe.example", "王采薇", "purchaser", "采购"),
            SamplePerson("approver@xinghe.example", "刘审言", "approver", "审批"),
            SamplePerson("finance@xinghe.example", "赵清", "finance", "财务"),
        ),
        who_en="Buyer",
        who_zh="买方",
    ),
    SampleOrganization(
        key="lakeside",
        legal_name="苏州湖畔仪器有限公司",
        display_name="Lakeside Instruments",
        tax_id="91320594MA1YP4D5LH",
        address="江苏省苏州市工业园区金鸡湖大道 88 号",
        people=(
            SamplePerson("owner@lakeside.example", "Daniel Gu", "owner", "所有者", "en"),
            SamplePerson("buyer@lakeside.example", "Mei Tan", "purchaser", "采购", "en"),
            SamplePerson("approver@lakeside.example", "Oscar Wei", "approver", "审批", "en"),
            SamplePerson("finance@lakeside.example", "Ines Zhou", "finance", "财务", "en"),
        ),
        locale="en",
        who_en="Second buyer",
        who_zh="另一买方",
    ),
)
OPERATOR = SamplePerson("operator@market.example", "平台运营", "operator", "平台运营")
