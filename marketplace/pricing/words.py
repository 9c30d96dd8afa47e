"""A price in words: what a plan's components cost, and how each line of a quote, order or invoice came about. Pure."""

from __future__ import annotations

from decimal import Decimal
from typing import Final, Literal

from babel import Locale
from babel.numbers import format_currency, format_decimal

from kernel.money import Money, exponent
from kernel.written_amounts import with_own_sign, write_amount
from marketplace.pricing.components import (
    MICRO,
    Commitment,
    Component,
    Flat,
    Metered,
    Milestones,
    OneOff,
    PerSeat,
    PlanPrice,
    SetupFee,
    Tier,
)
from marketplace.pricing.engine import Bracket, PriceLine

Language = Literal["zh-CN", "en"]
LANGUAGES: Final[tuple[Language, Language]] = ("zh-CN", "en")
_LOCALES: Final = {"zh-CN": Locale.parse("zh_Hans_CN"), "en": Locale.parse("en_US")}
_WORDS: Final = {
    "zh-CN": {
        "one_off": "一次性价格 {amount}",
        "setup": "开通费 {amount}，仅首次收取",
        "flat": "{amount} / {interval}",
        "per_seat": "每席 {prices} / {interval}",
        "per_seat_beyond": "含 {included} 席，超出部分每席 {prices} / {interval}",
        "per_seat_only": "含 {included} 席",
        "metered": "用量 {code}：{prices}（每{interval}后付）",
        "metered_beyond": "用量 {code}：每{interval}含 {included}，超出部分{prices}（后付）",
        "cap": "，每{interval}封顶 {cap}",
        "each": "每单位 {price}",
        "each_unit": "每{unit} {price}",
        "tier_to": "至 {to}：{price}",
        "tier_above": "以上：{price}",
        "by_volume": "（按总量所在档计全部）",
        "by_tier": "（分段计价）",
        "plus_flat": "，另加 {amount}",
        "commitment": "承诺用量 {amount} / {interval}，超出部分按价格的 {rate} 收取",
        "milestones": "分 {count} 个里程碑共 {amount}，逐个验收后付给卖方",
        "free": "免费",
        "step": "，每 {step} 席起增购",
        "instalments": "每期合同分 {count} 次付款",
        "term": "合同期 {months} 个月",
        "rounding_off": "抹零 {amount}",
        "line_one_off": "一次性",
        "line_setup": "开通费",
        "line_flat": "基础费",
        "line_per_seat": "席位 {quantity}",
        "line_metered": "用量 {code} {quantity}",
        "line_commitment": "承诺用量",
        "line_milestones": "里程碑 {code}",
        "line_drawn": "承诺用量抵扣",
        "line_credited": "减免抵扣",
        "of_it_included": "（含 {included}）",
        "line_seats_added": "新增席位 {quantity}，按本期剩余时间计",
        "line_term_aligned": "与另一项订阅同日到期，按增加的时间计",
        "line_term_shortened": "首期较短，按约定的到期日计",
        "line_plan_changed": "变更规格，按本期剩余时间补差价",
        "line_instalment": "第 {quantity} 期分期款，共 {charged} 期",
        "line_later_instalments": "其余 {quantity} 期另付",
        "line_free": "均已包含",
        "times": " × {times} {interval}",
        "units": "{quantity} × {price}",
        "counted": "，按 {charged} 计",
        "less": "，抹零 {amount}",
        "capped": "，按封顶 {cap}",
        "is": "{what}：{how} = {amount}",
        "is_plain": "{what}：{amount}",
        "year": "年",
        "quarter": "季",
        "month": "月",
        "none": "次",
        "semicolon": "；",
    },
    "en": {
        "one_off": "{amount}, once",
        "setup": "Setup {amount}, the first time only",
        "flat": "{amount} / {interval}",
        "per_seat": "{prices} / seat / {interval}",
        "per_seat_beyond": "{included} seats included, each further seat {prices} / {interval}",
        "per_seat_only": "{included} seats included",
        "metered": "Usage {code}: {prices}, charged after each {interval}",
        "metered_beyond": "Usage {code}: {included} a {interval} included, then {prices}, charged after it",
        "cap": ", at most {cap} a {interval}",
        "each": "{price} each",
        "each_unit": "{price} each",
        "tier_to": "up to {to}: {price}",
        "tier_above": "beyond: {price}",
        "by_volume": " (all units at the price of the total)",
        "by_tier": " (each unit at its own tier)",
        "plus_flat": ", plus {amount}",
        "commitment": "{amount} of usage a {interval} committed; beyond it at {rate} of the price",
        "milestones": "{amount} in {count} milestones, each released to the seller when you accept it",
        "free": "Free",
        "step": ", in steps of {step}",
        "instalments": "A term is paid in {count} instalments",
        "term": "Term of {months} months",
        "rounding_off": "{amount} rounded off",
        "line_one_off": "Once",
        "line_setup": "Setup",
        "line_flat": "Base",
        "line_per_seat": "Seats {quantity}",
        "line_metered": "Usage {code} {quantity}",
        "line_commitment": "Committed usage",
        "line_milestones": "Milestone {code}",
        "line_drawn": "Drawn from the commitment",
        "line_credited": "Taken back before",
        "of_it_included": " ({included} included)",
        "line_seats_added": "{quantity} seats added, for the rest of the term",
        "line_term_aligned": "Ends with another subscription, for the time that is added",
        "line_term_shortened": "Shorter first term, until the end that was agreed on",
        "line_plan_changed": "Change of plan, the difference for the rest of the term",
        "line_instalment": "Instalment {quantity} of {charged}",
        "line_later_instalments": "{quantity} further instalments, paid later",
        "line_free": "all included",
        "times": " × {times} {interval}",
        "units": "{quantity} × {price}",
        "counted": ", counted as {charged}",
        "less": ", less {amount} rounded off",
        "capped": ", capped at {cap}",
        "is": "{what}: {how} = {amount}",
        "is_plain": "{what}: {amount}",
        "year": "year",
        "quarter": "quarter",
        "month": "month",
        "none": "time",
        "semicolon": "; ",
    },
}


def price_in_words(price: PlanPrice, language: Language) -> list[str]:
    """A sentence for each component, then what the term adds. What costs nothing says so."""
    words = _WORDS[language]
    found = [_component(component, price, language) for component in price.components] or [words["free"]]
    if price.rounding_off_minor:
        found.append(words["rounding_off"].format(amount=_amount(price.rounding_off_minor, price.currency, language)))
    if price.intervals > 1:
        found.append(words["term"].format(months=price.term_months))
    if price.instalments > 1:
        found.append(words["instalments"].format(count=price.instalments))
    return found


def line_in_words(line: PriceLine, interval: str, currency: str, language: Language) -> str:
    """How one amount came about: Seats 30: 10 × ¥199.00 = ¥1,990.00."""
    words = _WORDS[language]
    amount = _amount(line.amount_minor, currency, language)
    quantity, charged = _figure(line.quantity, language), _figure(line.charged, language)
    called = _called(line.name, line.name_en, line.code, language)
    what = words[f"line_{line.kind}"].format(code=called, quantity=quantity, charged=charged)
    times = words["times"].format(times=line.times, interval=words[interval]) if line.times > 1 else ""
    how = " + ".join(_bracket(bracket, currency, language) for bracket in line.brackets)
    if line.kind in ("flat", "commitment") and line.times > 1:
        how = _amount((line.amount_minor + line.rounding_off_minor) // line.times, currency, language)
    if line.kind in ("per_seat", "metered") and not how:
        return words["is_plain"].format(what=what, amount=words["line_free"])
    if line.kind != "instalment" and Decimal(line.charged) > Decimal(line.quantity):
        what += words["counted"].format(charged=charged)
    elif line.kind == "metered" and Decimal(line.charged) < Decimal(line.quantity):
        included = Decimal(line.quantity) - Decimal(line.charged)
        what += words["of_it_included"].format(included=_figure(str(included), language))
    if line.rounding_off_minor:
        times += words["less"].format(amount=_amount(line.rounding_off_minor, currency, language))
    if line.cap_minor is not None:
        times += words["capped"].format(cap=_amount(line.cap_minor, currency, language))
    if not how:
        return words["is_plain"].format(what=what + times, amount=amount)
    how = f"({how})" if len(line.brackets) > 1 and line.times > 1 else how
    return words["is"].format(what=what, how=how + times, amount=amount)


def _called(name: str, name_en: str, code: str, language: Language) -> str:
    """A name in the reader's language, else in the other one, else the code."""
    return (name_en or name or code) if language == "en" else (name or name_en or code)


def _bracket(bracket: Bracket, currency: str, language: Language) -> str:
    words = _WORDS[language]
    unit = words["units"].format(
        quantity=_figure(bracket.quantity, language), price=_unit(bracket.unit_micro, currency, language)
    )
    return f"{unit} + {_amount(bracket.flat_minor, currency, language)}" if bracket.flat_minor else unit


def _component(component: Component, price: PlanPrice, language: Language) -> str:
    words, interval = _WORDS[language], _WORDS[language][price.interval]
    match component:
        case OneOff() | SetupFee() | Flat():
            return words[component.kind].format(
                amount=_amount(component.amount_minor, price.currency, language), interval=interval
            )
        case Commitment():
            return words["commitment"].format(
                amount=_amount(component.amount_minor, price.currency, language),
                interval=interval,
                rate=f"{Decimal(component.overage_ppm).scaleb(-4).normalize():f}%",
            )
        case Milestones():
            whole = sum(step.amount_minor for step in component.steps)
            return words["milestones"].format(
                count=len(component.steps), amount=_amount(whole, price.currency, language)
            )
        case PerSeat():
            return _seats(component, price.currency, interval, language)
        case Metered():
            return _metered(component, price.currency, interval, language)


def _seats(component: PerSeat, currency: str, interval: str, language: Language) -> str:
    words = _WORDS[language]
    included = _figure(str(component.included), language)
    if component.included >= component.maximum:
        return words["per_seat_only"].format(included=included)
    key = "per_seat_beyond" if component.included else "per_seat"
    prices = _prices(component.tiers, component.mode, currency, language)
    said = words[key].format(included=included, prices=prices, interval=interval)
    return said + (words["step"].format(step=component.step) if component.step > 1 else "")


def _metered(component: Metered, currency: str, interval: str, language: Language) -> str:
    words = _WORDS[language]
    key = "metered_beyond" if component.included else "metered"
    prices = _prices(component.tiers, component.mode, currency, language)
    unit = _called(component.unit, component.unit_en, "", language)
    if len(component.tiers) == 1:
        prices = words["each_unit" if unit else "each"].format(price=prices, unit=unit)
    included = f"{_figure(str(component.included), language)} {unit}".rstrip()
    called = _called(component.name, component.name_en, component.dimension, language)
    said = words[key].format(code=called, included=included, prices=prices, interval=interval)
    if component.cap_minor is not None:
        said += words["cap"].format(cap=_amount(component.cap_minor, currency, language), interval=interval)
    return said


def _prices(tiers: tuple[Tier, ...], mode: str, currency: str, language: Language) -> str:
    words = _WORDS[language]
    if len(tiers) == 1:
        return _tier(tiers[0], currency, language)
    said = [
        words["tier_above"].format(price=_tier(tier, currency, language))
        if tier.up_to is None
        else words["tier_to"].format(to=_figure(str(tier.up_to), language), price=_tier(tier, currency, language))
        for tier in tiers
    ]
    return words["semicolon"].join(said) + words["by_tier" if mode == "graduated" else "by_volume"]


def _tier(tier: Tier, currency: str, language: Language) -> str:
    unit = _unit(tier.unit_micro, currency, language)
    flat = _WORDS[language]["plus_flat"].format(amount=_amount(tier.flat_minor, currency, language))
    return unit + (flat if tier.flat_minor else "")


def _amount(amount_minor: int, currency: str, language: Language) -> str:
    return write_amount(Money(amount_minor, currency), _LOCALES[language])


def _unit(unit_micro: int, currency: str, language: Language) -> str:
    """A unit price with all the digits that it has."""
    whole, rest = divmod(unit_micro, MICRO)
    if not rest:
        return _amount(whole, currency, language)
    exact = Decimal(unit_micro).scaleb(-6 - exponent(currency))
    written = format_currency(exact, currency, locale=_LOCALES[language], decimal_quantization=False)
    return with_own_sign(written, currency, _LOCALES[language])


def _figure(number: str, language: Language) -> str:
    return format_decimal(Decimal(number), locale=_LOCALES[language], decimal_quantization=False)
