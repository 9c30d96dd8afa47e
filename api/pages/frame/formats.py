"""Money, dates and numbers as a reader of one language expects them (CLDR, by Babel)."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

from babel import Locale
from babel.dates import format_date, format_datetime, format_skeleton, format_time, format_timedelta, get_timezone
from babel.numbers import format_compact_decimal, format_currency, format_decimal, format_percent

from kernel import clock
from kernel.money import Money, exponent
from kernel.written_amounts import with_own_sign, write_amount


@dataclass(frozen=True, slots=True)
class Formats:
    """Formatting for one locale and time zone (an IANA name); instants come in as aware UTC."""

    locale: Locale
    time_zone: str

    def money(self, amount: Money) -> str:
        """An amount with all its decimals."""
        return write_amount(amount, self.locale)

    def price(self, amount: Money) -> str:
        """An amount as in a price tag: no decimals when they are all zero."""
        if amount.amount_minor % 10 ** exponent(amount.currency):
            return self.money(amount)
        written = format_currency(
            amount.decimal(), amount.currency, "¤#,##0", locale=self.locale, currency_digits=False
        )
        return with_own_sign(written, amount.currency, self.locale)

    def number(self, value: int) -> str:
        """A whole number with the locale's grouping."""
        return format_decimal(value, locale=self.locale)

    def tenths(self, value: int) -> str:
        """A figure in tenths with its one decimal: 43 is 4.3."""
        return format_decimal(Decimal(value).scaleb(-1), "0.0", locale=self.locale)

    def compact(self, value: int) -> str:
        """A count as short as it can be read: 1.2K, 3.4万."""
        return format_compact_decimal(value, locale=self.locale, fraction_digits=1) if value >= 1000 else str(value)

    def rate(self, ppm: int) -> str:
        """A rate in parts per million as a percentage."""
        return format_percent(Decimal(ppm).scaleb(-6), "#,##0.##%", locale=self.locale)

    def day(self, value: date | datetime) -> str:
        """A calendar day; an instant is first moved to the reader's time zone."""
        local = value.astimezone(get_timezone(self.time_zone)) if isinstance(value, datetime) else value
        return format_date(local, "medium", locale=self.locale)

    def appointment(self, value: datetime) -> str:
        """An instant to be there at: weekday, day and minute in the reader's time zone, which is named."""
        zone = get_timezone(self.time_zone)
        local = value.astimezone(zone)
        offset = format_datetime(value, "OOOO", tzinfo=zone, locale=self.locale)
        return f"{format_skeleton('yMMMEd', local, locale=self.locale)} {local:%H:%M} ({offset})"

    def short_day(self, value: date | datetime) -> str:
        """Month and day; of another year than the present one, with the year."""
        local = value.astimezone(get_timezone(self.time_zone)) if isinstance(value, datetime) else value
        if local.year != clock.today(self.time_zone).year:
            return self.day(local.date() if isinstance(local, datetime) else local)
        return format_skeleton("MMMd", _midnight(local), locale=self.locale)

    def month(self, value: date) -> str:
        """Year and month, for periods."""
        return format_skeleton("yMMMM", _midnight(value), locale=self.locale)

    def moment(self, value: datetime) -> str:
        """Day and time to the minute."""
        return format_datetime(value, "medium", tzinfo=get_timezone(self.time_zone), locale=self.locale)

    def time(self, value: datetime) -> str:
        """Time of day to the second, for the loop's line."""
        return format_time(value, "HH:mm:ss", tzinfo=get_timezone(self.time_zone), locale=self.locale)

    def iso(self, value: datetime | date) -> str:
        """Machine-readable form for ``<time datetime>``."""
        return value.isoformat()

    def age(self, seconds: int) -> str:
        """How long something has taken or waited, in its largest unit."""
        return format_timedelta(timedelta(seconds=seconds), locale=self.locale, threshold=0.95)

    def wait(self, seconds: int) -> str:
        """How long something waits, in the largest unit of which that is three at least: 58 hours are not two days."""
        return format_timedelta(timedelta(seconds=seconds), locale=self.locale, threshold=3)

    def second(self, value: int) -> str:
        """A position in a video as m:ss."""
        minutes, rest = divmod(value, 60)
        return f"{minutes}:{rest:02d}"

    def bytes(self, value: int) -> str:
        """A file size in MB, a small one in kB, at least one."""
        if value < 100_000:
            return f"{max(1, round(value / 1_000))} kB"
        return f"{format_decimal((Decimal(value) / 1_000_000).quantize(Decimal('0.1')), locale=self.locale)} MB"


def _midnight(day: date) -> datetime:
    # Babel formats skeletons of instants only; in UTC a day stays the day it is.
    return datetime.combine(day, time(), tzinfo=UTC)
