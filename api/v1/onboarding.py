"""The seller's checklist, step by step."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from litestar import get, post
from litestar.params import FromPath, JSONBody
from pydantic import Field

from api.auth import SIGNED_IN
from api.request import ApiRequest
from api.schema import Out, ShortText, Wire
from kernel.db.uow import UnitOfWork
from marketplace.parties.complete_onboarding_step import CompleteOnboardingStep, complete_onboarding_step
from marketplace.parties.queries import Checklist, get_checklist


class OnboardingIn(Wire):
    """What a step needs: bank holder, name and account; the version of the agreement accepted."""

    bank_holder: ShortText = ""
    bank_name: ShortText = ""
    bank_account: Annotated[str, Field(max_length=40)] = ""
    agreement_version: Annotated[str, Field(max_length=20)] = ""


class OnboardingOut(Out):
    """The checklist; nothing can be published while `missing` is not empty."""

    missing: list[str]
    bank_holder: str | None
    bank_name: str | None
    bank_account_masked: str | None
    agreement_version: str
    completed_at: datetime | None

    @classmethod
    def of(cls, row: Checklist) -> OnboardingOut:
        """From the query's row."""
        return cls.of_row(row)


@get("/v1/onboarding", permission=SIGNED_IN, refuses=[404], sync_to_thread=True, tags=["people"])
def get_onboarding(request: ApiRequest) -> OnboardingOut:
    """The seller's checklist and what is missing of it."""
    with request.transaction() as uow:
        return OnboardingOut.of(get_checklist(uow))


@post("/v1/onboarding/{step:str}", permission="members.manage", sync_to_thread=True, status_code=200, tags=["people"])
def complete_step(
    step: FromPath[Literal["legal", "bank", "tax", "agreement"]],
    data: JSONBody[OnboardingIn],
    request: ApiRequest,
) -> OnboardingOut:
    """Do a step. `connector` does itself when a connector's test has passed."""
    command = CompleteOnboardingStep(step, data.bank_holder, data.bank_name, data.bank_account, data.agreement_version)

    def work(uow: UnitOfWork) -> OnboardingOut:
        complete_onboarding_step(uow, command)
        uow.flush()
        return OnboardingOut.of(get_checklist(uow))

    return request.transact(work)


routes = [get_onboarding, complete_step]
