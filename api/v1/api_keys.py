"""API keys of one's organization; a secret is shown once."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from litestar import delete, get, post
from litestar.params import FromPath, JSONBody
from pydantic import Field

from api.request import ApiRequest
from api.schema import Out, UtcIn, Wire
from marketplace.access.api_keys import ApiKeyRow, MintApiKey, list_api_keys, mint_api_key, revoke_api_key


class ApiKeyIn(Wire):
    """A key to make, with some of one's own permissions."""

    name: Annotated[str, Field(max_length=100)]
    scopes: Annotated[list[Annotated[str, Field(max_length=40)]], Field(min_length=1, max_length=40)]
    expires_at: UtcIn | None = None


class MintedOut(Out):
    """The new key. `key` is shown this once."""

    id: UUID
    prefix: str
    key: str


@get("/v1/api-keys", permission="keys.manage", sync_to_thread=True, tags=["people"])
def get_api_keys(request: ApiRequest) -> list[ApiKeyRow]:
    """The organization's keys, newest first."""
    with request.transaction() as uow:
        return list_api_keys(uow)


@post("/v1/api-keys", permission="keys.manage", sync_to_thread=True, tags=["people"])
def create_api_key(data: JSONBody[ApiKeyIn], request: ApiRequest) -> MintedOut:
    """Make a key; its secret is shown this once."""
    command = MintApiKey(data.name, data.scopes, data.expires_at)
    made = request.transact(lambda uow: mint_api_key(uow, command))
    return MintedOut(id=made.id, prefix=made.prefix, key=made.text)


@delete("/v1/api-keys/{key_id:uuid}", permission="keys.manage", sync_to_thread=True, tags=["people"])
def delete_api_key(key_id: FromPath[UUID], request: ApiRequest) -> None:
    """Revoke a key; its next request is refused."""
    request.transact(lambda uow: revoke_api_key(uow, key_id))


routes = [get_api_keys, create_api_key, delete_api_key]
