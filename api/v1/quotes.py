"""Quotes: a price that binds us for a while, and commits nobody."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated
from uuid import UUID

from litestar import post
from litestar.params import JSONBody
from msgspec import Meta
from pydantic import ConfigDict, Field

from api.language import Language, language_of
from api.request import ApiRequest
from api.schema import CurrencyIn, MoneyOut, Out, Wire
from api.v1.approval_out import ApprovalReasonOut, ApprovalStepOut, reasons_out, steps_out
from api.v1.end_customer_name_out import EndCustomerNameOut
from api.v1.price_out import InstalmentOut, LineTierOut, PriceLineOut, instalments_out, price_lines_out
from billing.tax.decision import note_in_words
from kernel import clock
from kernel.errors import Invalid
from orders.approval_rules.steps import steps_from
from orders.checkout.approval_reasons import reasons_of
from orders.checkout.create_quote import CreateQuote, QuoteItem, create_quote
from orders.checkout.priced_line import Context, InstalmentPart, InvoiceParty, PricedLine, QuotedClaim, TrialTerms
from orders.checkout.quote_models import Quote
from orders.checkout.views import steps_shown
from orders.order.line_tier import LineTier
from orders.order.span import FirstTerm


class QuoteLineIn(Wire):
    """A plan and how many seats of it (1 for a one-off)."""

    plan_id: UUID
    quantity: Annotated[int, Field(strict=True, ge=1, le=1_000_000)] = 1
    end_customer_id: UUID | None = Field(
        default=None, description="For which end customer a dealer orders it; null: for your own organization"
    )


class QuoteIn(Wire):
    """Either one plan (`plan_id`, `quantity`) or several `lines`; and where in which video the buyer stands."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "plan_id": "019aa5f0-5c00-7000-8000-000000000001",
                    "quantity": 20,
                    "video_id": "019aa5f0-5c00-7000-8000-000000000002",
                    "placement_id": "019aa5f0-5c00-7000-8000-000000000003",
                    "second": 7,
                }
            ]
        }
    )

    plan_id: UUID | None = None
    quantity: Annotated[int, Field(strict=True, ge=1, le=1_000_000)] = 1
    end_customer_id: UUID | None = Field(
        default=None,
        description="For which end customer a dealer orders `plan_id`: it pays and is invoiced, the end customer uses it",
    )
    lines: Annotated[list[QuoteLineIn], Field(max_length=20)] = Field(default_factory=list)
    currency: CurrencyIn | None = None
    video_id: UUID | None = None
    placement_id: UUID | None = None
    second: Annotated[int, Field(strict=True, ge=0, le=86_400)] | None = Field(
        default=None, description="Second of the video at which the card was used"
    )
    share: Annotated[str, Field(max_length=64)] | None = None
    live_session_id: UUID | None = Field(
        default=None,
        description="The live session in whose room the buyer stands, at `second`: its live prices hold there",
    )
    circle_id: UUID | None = Field(
        default=None,
        description="The circle through which a member of it buys for their organization: what is offered to it holds there",
    )
    billing_profile_id: UUID | None = Field(
        default=None, description="Whom the invoice will name, which decides the tax. Default: the default profile"
    )

    trial: bool = Field(
        default=False,
        description="Whether its only plan is tried first, for nothing. 409 `trial_not_offered`, `trial_used` where it cannot be",
    )
    coupon: Annotated[str, Field(max_length=32)] = Field(default="", description="A seller's code, in any case")
    align_with: UUID | None = Field(
        default=None,
        description="A subscription of the organization, of any seller: the first term of what recurs ends with a term of it,"
        " and costs as much less, paid in one. 409 `first_term_whole`, `alignment_unfit` where it cannot",
    )

    def asked(self) -> tuple[QuoteItem, ...]:
        """The lines whichever way they were given."""
        lines = tuple(QuoteItem(line.plan_id, line.quantity, line.end_customer_id) for line in self.lines)
        if self.plan_id is not None:
            return (QuoteItem(self.plan_id, self.quantity, self.end_customer_id), *lines)
        if not lines:
            raise Invalid("lines_required", field="plan_id")
        return lines


class QuoteClaimOut(Out):
    """What the video promised about the plan, and whether the plan keeps it."""

    second: int
    kind: str
    text: str
    text_en: str
    ok: bool


class TrialOut(Out):
    """A trial, and what is paid after it: by itself at its end where it `converts`, else where the subscription is bought."""

    days: int
    converts: bool
    ends_at: Annotated[datetime, Meta(description="When it ends, begun now; it begins once it is provisioned")]
    term_months: int
    list: MoneyOut
    net: MoneyOut
    tax_rate_ppm: int
    tax: MoneyOut
    gross: MoneyOut

    @classmethod
    def of(cls, trial: TrialTerms) -> TrialOut:
        """From the quote's own line."""
        ends_at = clock.now() + timedelta(days=trial.days)
        return cls.of_row(trial.after, days=trial.days, converts=trial.converts, ends_at=ends_at)


class QuoteLineOut(Out):
    """A priced line, every amount broken down."""

    seller_org_id: UUID
    seller_name: str
    listing_id: UUID
    plan_id: UUID
    title: str
    title_en: str
    plan_name: str
    plan_name_en: str
    pricing: str
    sold_by_seat: bool
    interval: str
    term_months: int
    quantity: int
    unit_price: MoneyOut
    price_lines: Annotated[
        tuple[PriceLineOut, ...],
        Meta(description="How the list price came about; empty where it is unit price x quantity"),
    ]
    list: MoneyOut
    discount: MoneyOut
    coupon: Annotated[str, Meta(description="The code that the discount is by, or the promotion's name; empty without")]
    coupon_every_term: Annotated[
        bool, Meta(description="Whether it comes off renewals, too; else off the first term alone")
    ]
    coupon_until: Annotated[datetime | None, Meta(description="Until when it can be bought with; null without one")]
    tier: Annotated[
        LineTierOut | None, Meta(description="The tier whose partner's price it is at; null where it is the plan's own")
    ]
    end_customer: Annotated[
        EndCustomerNameOut | None, Meta(description="For whom it is ordered; null: for the buyer itself")
    ]
    selling_model: Annotated[
        str, Meta(description="Who sells it to the buyer: `agency`, its seller; `reseller`, the platform")
    ]
    issuer_name: Annotated[str, Meta(description="Who will invoice it")]
    net: MoneyOut
    tax_rate_ppm: int
    tax_reason: Annotated[
        str, Meta(description="Code of the rule; ends in _unevidenced where nothing shows the buyer abroad")
    ]
    tax_note: Annotated[str | None, Meta(description="In words, what of the tax a buyer may not expect")]
    tax_included: bool
    untaxed_price: Annotated[
        str, Meta(description="What a price that contains its tax is where none applies: `whole`, or its `net` part")
    ]
    home_rate_ppm: Annotated[
        int,
        Meta(
            description="Where none is charged: the rate at home that the price contains, else 0. Of a `net` price list, discount"
            " and price lines still contain it; net and gross do not"
        ),
    ]
    tax: MoneyOut
    gross: MoneyOut
    lifetime: MoneyOut
    instalments: Annotated[
        tuple[InstalmentOut, ...],
        Meta(
            description="Of a term that is paid in several, all of them: the amounts of the line are then those of the first. "
            "Empty where it is paid in one"
        ),
    ]
    trial: Annotated[TrialOut | None, Meta(description="Of a trial: how long, and what follows it at which price")]
    first_term_ends_at: Annotated[
        datetime | None,
        Meta(description="When the first term ends where that is no whole one; it is paid for from now until then"),
    ]

    @classmethod
    def of(cls, line: PricedLine, language: Language) -> QuoteLineOut:
        """From the quote's own line."""
        lines = tuple(price_lines_out(line.price_lines, line.interval, line.currency))
        tried = TrialTerms.model_validate(line.trial) if line.trial else None
        trial = TrialOut.of(tried) if tried is not None else None
        note = note_in_words(line.tax_reason, language) or (
            tried.after if tried is not None else line
        ).untaxed.in_words(language)
        first = FirstTerm.model_validate(line.first_term) if line.first_term else None
        ends_at = first.ends_at if first is not None else None
        later = instalments_out((tried.after if tried is not None else line).instalments, line.currency)
        return cls.of_row(
            line,
            tax_note=note,
            issuer_name=line.issuer_name or line.seller_name,
            price_lines=lines,
            trial=trial,
            first_term_ends_at=ends_at,
            instalments=later,
            end_customer=EndCustomerNameOut.of_line(line.end_customer),
            tier=LineTierOut.of(LineTier.model_validate(line.tier) if line.tier else None, line.currency),
        )


class InvoicePartyOut(Out):
    """Whom the invoice will name. Its country and tax identifier decided the tax; a country abroad counts with a tax identifier
    of there, or when the organization is registered there (`registered_in`). Otherwise the seller's domestic rate applies.
    """

    billing_profile_id: UUID | None
    legal_name: str
    country: str
    tax_id: str | None
    registered_in: str | None


class QuoteOut(Out):
    """A price that binds us until `expires_at`."""

    id: UUID
    invoice_party: InvoicePartyOut
    lines: list[QuoteLineOut]
    net: MoneyOut
    tax: MoneyOut
    gross: MoneyOut
    needs_approval: bool
    approval_reasons: Annotated[list[ApprovalReasonOut], Meta(description="Why it would wait for a decision")]
    approval_steps: Annotated[list[ApprovalStepOut], Meta(description="Who would decide, in order")]
    claims: list[QuoteClaimOut]
    expires_at: datetime

    @classmethod
    def of(cls, quote: Quote, language: Language) -> QuoteOut:
        """From the stored quote."""
        # Our own lines, validated when they were priced.
        lines = [
            PricedLine.model_construct(
                **line | {"instalments": [InstalmentPart.model_construct(**one) for one in line.get("instalments", ())]}
            )
            for line in quote.lines
        ]
        claims = [QuotedClaim.model_construct(**claim) for line in quote.lines for claim in line["claims"]]
        return cls.of_row(
            quote,
            invoice_party=InvoicePartyOut.of_row(InvoiceParty.model_validate(quote.invoice_party)),
            lines=[QuoteLineOut.of(line, language) for line in lines],
            approval_reasons=reasons_out(reasons_of(quote.approval_reasons), quote.currency),
            approval_steps=steps_out(steps_shown(steps_from(quote.approval_steps))),
            claims=[QuoteClaimOut.of_row(claim, second=claim.second_ms // 1000) for claim in claims],
        )


@post("/v1/quotes", permission="signed_in", refuses=[404, 409], sync_to_thread=True, tags=["buying"])
def post_quote(data: JSONBody[QuoteIn], request: ApiRequest) -> QuoteOut:
    """Price without committing. Prices come from the server alone; the quote lives 30 minutes."""
    context = Context(
        video_id=data.video_id,
        placement_id=data.placement_id,
        second_ms=None if data.second is None else data.second * 1000,
        share=data.share,
        live_session_id=data.live_session_id,
        circle_id=data.circle_id,
    )
    command = CreateQuote(
        data.asked(),
        data.currency,
        context,
        data.billing_profile_id,
        trial=data.trial,
        coupon=data.coupon,
        align_with=data.align_with,
    )
    return request.transact(lambda uow: QuoteOut.of(create_quote(uow, command), language_of(request)))


routes = [post_quote]
