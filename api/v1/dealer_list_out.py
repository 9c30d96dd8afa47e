"""What lists of dealers look like on the wire."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from msgspec import Meta
from pydantic import ConfigDict, Field

from api.language import Language
from api.problems import sentence
from api.schema import Out, StrictInt, Wire
from marketplace.relations.check_dealers import CheckedDealer
from marketplace.relations.dealer_list_queries import DealerListDetail, DealerListItem, InvitationToMe, InvitedDealer
from marketplace.relations.dealer_rows import (
    MOST_CELL,
    MOST_ROWS,
    DealerChange,
    DealerFault,
)

MOST_PASTED = 500_000
Cell = Annotated[str, Field(max_length=MOST_CELL)]


class DealerListIn(Wire):
    """Lines as they were pasted: name, tax identifier or mail address or both, and the tier's code or name."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"name": "North", "text": "name,tax id,email,tier\nHarbin Trade,,buying@dealer.example,GOLD\n"}
            ]
        }
    )

    name: Annotated[str, Field(max_length=120)] = ""
    text: Annotated[str, Field(min_length=1, max_length=MOST_PASTED)]


class DealerLineIn(Wire):
    """Other words for the line of this number; what is left away or null stays."""

    number: Annotated[StrictInt, Field(ge=1)]
    name: Cell | None = None
    tax_id: Cell | None = None
    email: Cell | None = None
    tier: Cell | None = None
    left_out: bool | None = Field(default=None, description="Whether it is left out by choice: then it invites nobody")


class DealerLinesIn(Wire):
    """Lines to correct or to leave out."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"lines": [{"number": 17, "tier": "GOLD"}, {"number": 40, "left_out": True}]}]}
    )

    lines: Annotated[list[DealerLineIn], Field(min_length=1, max_length=MOST_ROWS)]

    def changes(self) -> list[DealerChange]:
        """As the command takes them."""
        return [DealerChange(**one.model_dump()) for one in self.lines]


class DealerLineFaultOut(Out):
    """What is wrong in one column of a line. `code` is that of an error; `detail` says it, and what to do."""

    column: Annotated[str, Meta(description="`name`, `tax_id`, `email` or `tier`")]
    code: str
    detail: str

    @classmethod
    def of(cls, fault: DealerFault, language: Language) -> DealerLineFaultOut:
        """In the reader's language."""
        said = sentence(fault.code, language, dict(fault.params))
        return cls(column=fault.column, code=fault.code, detail=f"{said['what']} {said['todo']}".strip())


class DealerLineOut(Out):
    """A line as it was written."""

    number: Annotated[int, Meta(description="Of its line in the file")]
    name: str
    tax_id: str
    email: str
    tier: str
    left_out: bool
    faults: tuple[DealerLineFaultOut, ...]

    @classmethod
    def of(cls, one: CheckedDealer, language: Language) -> DealerLineOut:
        """From the query's row."""
        return cls.of_row(one.row, faults=tuple(DealerLineFaultOut.of(fault, language) for fault in one.faults))


class DealerListItemOut(Out):
    """A list in a list of them."""

    id: UUID
    name: str
    state: Annotated[str, Meta(description="`draft`, `sent` or `discarded`")]
    lines: int
    wrong: Annotated[int, Meta(description="Lines that were wrong when it was last changed")]
    mailings: Annotated[int, Meta(description="How often its mails went out")]
    mailed_at: datetime | None
    created_at: datetime
    ended_at: datetime | None

    @classmethod
    def of(cls, item: DealerListItem) -> DealerListItemOut:
        """From the query's row."""
        return cls.of_row(item)


class InvitedDealerOut(Out):
    """Whom a line of a sent list invited; its link is at `/partner-invitations/{code}`."""

    id: Annotated[UUID, Meta(description="Of its invitation, by which it is revoked or mailed again")]
    line: int
    name: str
    email: str | None
    tax_id: str | None
    tier_name: str
    tier_name_en: str
    code: str
    state: Annotated[str, Meta(description="`open`, `used_up` (accepted), `expired` or `revoked`")]
    mailed_at: datetime | None
    expires_at: datetime
    bounced: Annotated[str | None, Meta(description="Why its address takes no mail at present")]

    @classmethod
    def of(cls, one: InvitedDealer) -> InvitedDealerOut:
        """From the query's row."""
        return cls.of_row(one)


class DealerListOut(Out):
    """A list with all its lines. While any is wrong and not left out, nobody is invited."""

    id: UUID
    name: str
    state: str
    wrong: int
    left_out: int
    mailings: int
    mailed_at: datetime | None
    created_at: datetime
    ended_at: datetime | None
    lines: tuple[DealerLineOut, ...]
    invited: Annotated[tuple[InvitedDealerOut, ...], Meta(description="Of a sent list, in the order of its lines")]

    @classmethod
    def of(cls, view: DealerListDetail, language: Language, *, only_wrong: bool = False) -> DealerListOut:
        """From the query's row."""
        item = view.item
        rows = [one for one in view.rows if one.faults] if only_wrong else view.rows
        return cls(
            id=item.id,
            name=item.name,
            state=item.state,
            wrong=item.wrong,
            left_out=view.left_out,
            mailings=item.mailings,
            mailed_at=item.mailed_at,
            created_at=item.created_at,
            ended_at=item.ended_at,
            lines=tuple(DealerLineOut.of(one, language) for one in rows),
            invited=tuple(InvitedDealerOut.of(one) for one in view.invited),
        )


class InvitationToMeOut(Out):
    """An open invitation that names your organization by its tax identifier."""

    code: str
    seller_org_id: UUID
    seller_name: str
    tier_name: str
    tier_name_en: str
    expires_at: datetime

    @classmethod
    def of(cls, one: InvitationToMe) -> InvitationToMeOut:
        """From the query's row."""
        return cls.of_row(one)
