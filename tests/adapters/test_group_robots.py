"""Posts by each provider's protocol, against a process that checks them by the providers' own documentation."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from kernel.outbound import OutboundClient, OutboundPolicy
from marketplace.robots.credentials import Credentials
from marketplace.robots.message_text import RobotItem
from marketplace.robots.models import PROVIDERS
from marketplace.robots.protocols import RobotPoster
from tests.adapters.robot_provider import KEY, SECRET, RobotProviders

ITEM = RobotItem(
    "杭州某某 提交了工单", "首次答复的时限显示在工单上。", "去答复", "https://market.example/seller/tickets/1"
)


@pytest.fixture(scope="module")
def outside() -> Iterator[RobotProviders]:
    running = RobotProviders()
    yield running
    running.client.close()
    running.stop()


@pytest.fixture
def poster(outside: RobotProviders) -> RobotPoster:
    outside.behave()
    client = OutboundClient(OutboundPolicy(permitted=frozenset({f"127.0.0.1:{outside.port}"})))
    return RobotPoster(client, dict.fromkeys(PROVIDERS, outside.base), "https://market.example")


def _post(poster: RobotPoster, provider: str, secret: str | None = None, key: str = KEY, count: int = 1) -> str:
    credentials = Credentials(key, SECRET[provider] if secret is None else secret)
    return poster.post(provider, credentials, [ITEM] * count, in_name_of="robot").outcome


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_signed_post_is_taken_and_stands_there(outside: RobotProviders, poster: RobotPoster, provider: str) -> None:
    assert [_post(poster, provider), _post(poster, provider, count=3)] == ["taken", "taken"]
    one, three = outside.posts()
    assert ITEM.title in str(one["body"])
    assert ITEM.link in str(one["body"])
    assert str(three["body"]).count(ITEM.link) == 3


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_wrong_key_or_secret_is_refused(outside: RobotProviders, poster: RobotPoster, provider: str) -> None:
    assert _post(poster, provider, key="another-key-of-somebody") == "refused"
    if SECRET[provider]:
        assert _post(poster, provider, secret="another-secret") == "refused"
    assert outside.posts() == []


@pytest.mark.parametrize("provider", PROVIDERS)
def test_what_is_too_much_is_no_failure_and_what_is_down_is(
    outside: RobotProviders, poster: RobotPoster, provider: str
) -> None:
    outside.behave("busy", "down", "lose")
    assert [_post(poster, provider) for _ in range(3)] == ["busy", "failed", "failed"]
    # The last was taken, and its answer lost: nobody can know.
    assert len(outside.posts()) == 1


def test_nothing_is_called_that_the_installation_does_not_permit(outside: RobotProviders) -> None:
    guarded = RobotPoster(OutboundClient(OutboundPolicy()), dict.fromkeys(PROVIDERS, outside.base), "https://x.example")
    outside.behave()
    assert {_post(guarded, provider) for provider in PROVIDERS} == {"failed"}
    assert outside.posts() == []
