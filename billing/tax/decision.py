"""Which tax a sale bears: a pure function of who sells, who buys, what, and when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final, Literal

from billing.tax.rates import CHINA_GENERAL, CHINA_SMALL_SCALE, EU_STANDARD, VAT_AREA, rate_on
from kernel.errors import Invalid

Taxpayer = Literal["general", "small_scale", "exempt"]
UNEVIDENCED: Final = "_unevidenced"
"""Ends the reason of a sale that is taxed at home because nothing shows that its buyer is abroad."""
Category = Literal["S", "Z", "E", "AE", "O"]
"""UNTDID 5305: standard, zero rated, exempt, reverse charge, outside the scope of VAT."""


@dataclass(frozen=True, slots=True)
class TaxParty:
    """What the tax of a sale depends on. `taxpayer` matters for Chinese sellers; a foreign tax id for EU buyers.

    `country` is what the invoice says; `registered_in` where the organization behind it is registered (None: the same).
    """

    country: str
    tax_id: str = ""
    taxpayer: Taxpayer = "general"
    registered_in: str | None = None

    @property
    def area(self) -> str:
        """The country whose VAT it is."""
        return vat_area(self.country)

    @property
    def is_place_evidenced(self) -> bool:
        """Whether more than an address says that the party is in `country`: its tax identifier, or its organization."""
        return bool(self.tax_id) or self.registered_in is None or vat_area(self.registered_in) == self.area

    @property
    def has_eu_vat_id(self) -> bool:
        """Whether the tax id is a VAT identifier of the party's own member state."""
        return is_eu_vat_id(self.country, self.tax_id)


def is_eu_vat_id(country: str, tax_id: str) -> bool:
    """Whether the tax id is a VAT identifier of this member state: those begin with its ISO 3166 code (Greece: EL)."""
    area = vat_area(country)
    prefix = "EL" if area == "GR" else area
    return area in EU_STANDARD and tax_id.upper().startswith(prefix)


def vat_area(country: str) -> str:
    """The country whose territory it is for VAT, mostly itself."""
    return VAT_AREA.get(country, country)


@dataclass(frozen=True, slots=True)
class TaxDecision:
    """The rate, why, and whether the price already contains it."""

    rate_ppm: int
    reason_code: str
    category: Category
    included: bool
    home_rate_ppm: int = 0
    """Of a price that contains its tax where none is charged: the rate at home, which it contains (`billing.tax.untaxed`)."""
    reduced: bool = False
    """Whether that part is taken off; else the price stays whole."""

    @property
    def contained_ppm(self) -> int:
        """The rate by which the net part of a price that contains its tax is found."""
        return self.home_rate_ppm if self.reduced else self.rate_ppm


def tax_for(seller: TaxParty, buyer: TaxParty, category: str, on: date, *, included: bool) -> TaxDecision:
    """Decide the tax on a line.

    `category` is the listing's tax category: `service` (SaaS, support, consulting) or `software` (a software product).
    `included`: the price contains its tax, as prices in China do.

    A place abroad counts where it is evidenced (Implementing Regulation (EU) 282/2011 art. 24b and 24f ask for as much; an
    exporter in China has to show the recipient abroad: 国家税务总局公告2014年第11号). Otherwise the sale is taxed as one at home.

    Raises:
        Invalid: `tax_category_unknown`; `tax_date_unknown` for a day before the tables begin.
    """
    if category not in CHINA_GENERAL:
        raise Invalid("tax_category_unknown", field="tax_category", category=category)
    if seller.country == "CN":
        return _chinese(seller, buyer, category, on, included)
    if seller.area in EU_STANDARD:
        return _european(seller, buyer, on, included)
    return TaxDecision(0, "no_tax_configured", "O", included)


def _chinese(seller: TaxParty, buyer: TaxParty, category: str, on: date, included: bool) -> TaxDecision:  # noqa: FBT001 - private
    if seller.taxpayer == "exempt":
        return TaxDecision(0, "cn_exempt", "E", included)
    if buyer.country != "CN" and buyer.is_place_evidenced:
        # 财税〔2016〕36号 annex 4: services consumed wholly abroad and exported software bear no VAT.
        return TaxDecision(0, "cn_export", "Z", included)
    why = "" if buyer.country == "CN" else UNEVIDENCED
    if seller.taxpayer == "small_scale":
        return TaxDecision(_known(rate_on(CHINA_SMALL_SCALE, on)), f"cn_small_scale{why}", "S", included)
    return TaxDecision(_known(rate_on(CHINA_GENERAL[category], on)), f"cn_{category}{why}", "S", included)


def _european(seller: TaxParty, buyer: TaxParty, on: date, included: bool) -> TaxDecision:  # noqa: FBT001 - private
    if seller.taxpayer == "exempt":
        return TaxDecision(0, "eu_small_enterprise", "E", included)
    if buyer.area == seller.area or not buyer.is_place_evidenced:
        why = "" if buyer.area == seller.area else UNEVIDENCED
        return TaxDecision(_known(rate_on(EU_STANDARD[seller.area], on)), f"eu_domestic{why}", "S", included)
    if buyer.has_eu_vat_id:
        # Directive 2006/112/EC art. 44 and 196: the customer accounts for the tax.
        return TaxDecision(0, "eu_reverse_charge", "AE", included)
    if buyer.area in EU_STANDARD:
        # Art. 58: electronically supplied services are taxed where the customer is.
        return TaxDecision(_known(rate_on(EU_STANDARD[buyer.area], on)), "eu_destination", "S", included)
    return TaxDecision(0, "eu_export", "O", included)


def _known(rate_ppm: int | None) -> int:
    if rate_ppm is None:
        raise Invalid("tax_date_unknown", field="on")
    return rate_ppm


WORDS: Final = {
    "cn_exempt": "免征增值税 / Exempt from VAT",
    "cn_export": "出口服务适用增值税零税率 / Export of services, zero rated",
    "eu_small_enterprise": "Small enterprise exemption, Directive 2006/112/EC art. 284",
    "eu_reverse_charge": "Reverse charge, Directive 2006/112/EC art. 196",
    "eu_export": "Outside the scope of EU VAT, Directive 2006/112/EC art. 44",
    "no_tax_configured": "不征税 / Outside the scope of tax",
}


def reason_in_words(reason_code: str) -> str:
    """The sentence a document prints for a decision's reason; empty where tax was charged."""
    return WORDS.get(reason_code, "")


_NOTES: Final = {
    "zh-CN": "发票抬头在境外，但没有当地税号，采购组织也不在该地注册，因此按卖方所在地税率计税。"
    "请在抬头中填写当地税号，或改用组织注册地的抬头。",
    "en": "The invoice title is abroad, but it has no tax identifier of there and the buying organization is not registered "
    "there, so the seller's domestic rate applies. Add the title's tax identifier, or choose a title of the place where the "
    "organization is registered.",
}


def note_in_words(reason_code: str, language: Literal["zh-CN", "en"]) -> str | None:
    """What a buyer should know about the tax of a line before paying it; None where there is nothing unexpected."""
    return _NOTES[language] if reason_code.endswith(UNEVIDENCED) else None
