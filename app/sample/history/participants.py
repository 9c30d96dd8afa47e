"""Who else takes part once the sample market has lived: sellers, promoters with channels, buyers.

Names are invented; tax identifiers have right check digits. All of them sign in with the sample's password.
"""

from __future__ import annotations

from app.sample.organizations import SampleOrganization, SamplePerson


def _people(domain: str, owner: str, purchaser: str = "", locale: str = "zh-CN") -> tuple[SamplePerson, ...]:
    people = [SamplePerson(f"owner@{domain}.example", owner, "owner", "所有者", locale)]
    if purchaser:
        people.append(SamplePerson(f"buyer@{domain}.example", purchaser, "purchaser", "采购", locale))
    return tuple(people)


SELLERS = (
    SampleOrganization(
        key="lanqiao",
        legal_name="杭州蓝桥协作软件有限公司",
        display_name="蓝桥协作",
        tax_id="91330110MA2H2B6E3W",
        address="浙江省杭州市余杭区文一西路 998 号 5 幢 402 室",
        people=_people("lanqiao", "叶青桥"),
        is_seller=True,
        channel=("lanqiao", "蓝桥协作", "Bluebridge"),
    ),
    SampleOrganization(
        key="shuzhou",
        legal_name="成都数舟数据科技有限公司",
        display_name="数舟",
        tax_id="91510100MA65N4X8D0",
        address="四川省成都市高新区天府大道中段 1366 号 2 栋 8 层",
        people=_people("shuzhou", "罗川"),
        is_seller=True,
        channel=("shuzhou", "数舟", "Shuzhou Analytics"),
    ),
    SampleOrganization(
        key="jinghe",
        legal_name="厦门景禾信息安全有限公司",
        display_name="景禾安全",
        tax_id="91350200MA8UC1J5RX",
        address="福建省厦门市软件园二期观日路 32 号 301",
        people=_people("jinghe", "苏景"),
        is_seller=True,
        channel=("jinghe", "景禾安全", "Jinghe Security"),
    ),
    SampleOrganization(
        key="pelican",
        legal_name="广州鹈鹕供应链软件有限公司",
        display_name="Pelican WMS",
        tax_id="91440101MA9Y7G2L41",
        address="广东省广州市黄埔区科学大道 182 号 C1 栋 6 楼",
        people=_people("pelican", "Vivian Lam", locale="en"),
        is_seller=True,
        locale="en",
        channel=("pelican-wms", "鹈鹕云仓", "Pelican WMS"),
    ),
)
PROMOTERS = (
    SampleOrganization(
        key="yunke",
        legal_name="上海云客内容科技有限公司",
        display_name="云客测评",
        tax_id="91310110MA1G9D4N6N",
        address="上海市杨浦区大学路 248 号 3 楼",
        people=_people("yunke", "乔楠"),
        channel=("yunke-ceping", "云客测评", "Yunke Reviews"),
    ),
    SampleOrganization(
        key="diandian",
        legal_name="深圳点点企服信息有限公司",
        display_name="点点选型",
        tax_id="91440300MA5HP2K7B2",
        address="广东省深圳市福田区深南大道 6021 号 9 楼",
        people=_people("diandian", "方点"),
        channel=("diandian", "点点选型", "Diandian Picks"),
    ),
)
BUYERS = (
    SampleOrganization(
        key="minghu",
        legal_name="杭州明湖医疗器械有限公司",
        display_name="明湖医疗",
        tax_id="91330108MA2KA5T1XD",
        address="浙江省杭州市滨江区江南大道 3688 号 7 楼",
        people=_people("minghu", "徐明", "章亦可"),
    ),
    SampleOrganization(
        key="beilun",
        legal_name="宁波北仑港机装备有限公司",
        display_name="北仑港机",
        tax_id="91330206MA2CJ8W3HF",
        address="浙江省宁波市北仑区明州路 301 号",
        people=_people("beilun", "戴北", "胡一帆"),
    ),
    SampleOrganization(
        key="qingning",
        legal_name="成都青柠餐饮管理有限公司",
        display_name="青柠餐饮",
        tax_id="91510107MA6C7R4P2A",
        address="四川省成都市武侯区科华北路 62 号 1208",
        people=_people("qingning", "邓小柠", "杜薇"),
    ),
    SampleOrganization(
        key="jianghan",
        legal_name="武汉江汉生物科技有限公司",
        display_name="江汉生物",
        tax_id="91420106MA4K3N8D63",
        address="湖北省武汉市东湖高新区高新大道 666 号 B7",
        people=_people("jianghan", "程江", "彭予"),
    ),
    SampleOrganization(
        key="haishi",
        legal_name="青岛海石电子商务有限公司",
        display_name="海石电商",
        tax_id="91370212MA3Q6L2E9K",
        address="山东省青岛市崂山区香港东路 195 号 3 号楼",
        people=_people("haishi", "孙海", "曲静"),
    ),
    SampleOrganization(
        key="qinling",
        legal_name="西安秦岭新材料股份有限公司",
        display_name="秦岭新材",
        tax_id="91610132MA6W2B7J4N",
        address="陕西省西安市经开区凤城八路 126 号",
        people=_people("qinling", "魏秦", "白桦"),
    ),
    SampleOrganization(
        key="egret",
        legal_name="厦门鹭岛跨境贸易有限公司",
        display_name="Egret Trading",
        tax_id="91350203MA33H5F8YH",
        address="福建省厦门市思明区鹭江道 96 号 2301",
        people=_people("egret", "Linda Su", "Ken Huang", "en"),
        locale="en",
    ),
    SampleOrganization(
        key="songhu",
        legal_name="东莞松湖精工模具有限公司",
        display_name="松湖精工",
        tax_id="91441900MA5D9K1R7H",
        address="广东省东莞市松山湖园区工业北路 6 号",
        people=_people("songhu", "黎松", "莫言之"),
    ),
    SampleOrganization(
        key="zhongshan",
        legal_name="南京钟山律师事务所",
        display_name="钟山律所",
        tax_id="31320000MD0214P6UM",
        address="江苏省南京市玄武区中山路 55 号 18 层",
        people=_people("zhongshan", "陆钟", "蒋宁"),
    ),
    SampleOrganization(
        key="northwind",
        legal_name="诺风实验室（上海）有限公司",
        display_name="Northwind Labs",
        tax_id="91310115MA1H8Q3T5L",
        address="上海市浦东新区祖冲之路 1077 号 4 号楼",
        people=_people("northwind", "Anna Reuter", "Tom Fang", "en"),
        locale="en",
    ),
)
NEWCOMERS = (*SELLERS, *PROMOTERS, *BUYERS)
"""All who join in the market's past, in the order in which they do."""
