"""Amounts in Chinese capitals (大写金额), as an invoice writes them.

Rules: 《正确填写票据和结算凭证的基本规定》 with the style of Chinese invoices: 圆 instead of 元, 整 after whole
yuan, no prefix 人民币, and `（负数）` before the amount of a red invoice.
"""

from __future__ import annotations

from typing import Final

from kernel.errors import Invalid

_DIGITS: Final = "零壹贰叁肆伍陆柒捌玖"
_PLACES: Final = ("", "拾", "佰", "仟")
_WAN: Final = 10_000
_YI: Final = 100_000_000
_LIMIT_FEN: Final = 10**18
RED_PREFIX: Final = "（负数）"


def chinese_capitals(amount_minor: int) -> str:
    """Write an amount of fen in capitals: 398000 → `叁仟玖佰捌拾圆整`, -398000 → `（负数）叁仟玖佰捌拾圆整`.

    Inner zeros collapse into one 零; a zero jiao before fen is written 零 (325.04 → 叁佰贰拾伍圆零肆分); where the
    rules leave a choice, the shorter form is taken (1680.32 → 壹仟陆佰捌拾圆叁角贰分, no 整 after 角).

    Raises:
        Invalid: `amount_out_of_range` from 10^16 yuan on.
    """
    if abs(amount_minor) >= _LIMIT_FEN:
        raise Invalid("amount_out_of_range", field="amount_minor")
    prefix = RED_PREFIX if amount_minor < 0 else ""
    yuan, rest = divmod(abs(amount_minor), 100)
    jiao, fen = divmod(rest, 10)
    whole = f"{_integer(yuan)}圆" if yuan or not rest else ""
    if not rest:
        return f"{prefix}{whole}整"
    tenth = f"{_DIGITS[jiao]}角" if jiao else ("零" if whole else "")
    hundredth = f"{_DIGITS[fen]}分" if fen else ""
    return f"{prefix}{whole}{tenth}{hundredth}"


def _integer(number: int) -> str:
    """Write a non-negative whole number by sections of 亿 and 万."""
    for unit, name in ((_YI, "亿"), (_WAN, "万")):
        if number >= unit:
            high, low = divmod(number, unit)
            # A section that does not fill its places is joined by one 零: 壹万零贰拾.
            gap = "零" if 0 < low < unit // 10 else ""
            return f"{_integer(high)}{name}{gap}{_integer(low) if low else ''}"
    return _below_wan(number)


def _below_wan(number: int) -> str:
    if number == 0:
        return _DIGITS[0]
    written = ""
    pending_zero = False
    for place in (3, 2, 1, 0):
        digit = number // 10**place % 10
        if digit == 0:
            pending_zero = bool(written)
            continue
        written += ("零" if pending_zero else "") + _DIGITS[digit] + _PLACES[place]
        pending_zero = False
    return written
