"""What an ID token must say before it signs anybody in."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, RSAKey

from marketplace.identity_providers.id_token import (
    OLDEST_S,
    SKEW_S,
    BadIdToken,
    Expected,
    UnknownKey,
    read_id_token,
)
from tests.adapters.oidc_provider import signed_by_secret

NOW = 1_800_000_000.0
KEY = ECKey.generate_key("P-256", {"kid": "k1", "use": "sig"})
PUBLISHED = [KEY.as_dict(private=False)]
EXPECTED = Expected("https://login.firm.example/t", "market", "n-1", NOW)
CLAIMS: dict[str, Any] = {
    "iss": EXPECTED.issuer,
    "aud": "market",
    "nonce": "n-1",
    "iat": NOW,
    "exp": NOW + 300,
    "sub": "u1",
    "email": "Li@Firm.example",
    "email_verified": True,
}


def token(key: Any = KEY, alg: str = "ES256", kid: str = "k1", **changes: Any) -> str:
    claims = {name: value for name, value in (CLAIMS | changes).items() if value is not None}
    return jwt.encode({"alg": alg, "kid": kid}, claims, key, algorithms=[alg])


def test_it_names_a_person() -> None:
    found = read_id_token(token(name="李"), PUBLISHED, EXPECTED)
    assert (found.subject, found.email, found.name) == ("u1", "Li@Firm.example", "李")


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://login.firm.example/t/"},
        {"iss": "https://login.firm.example"},
        {"iss": None},
        {"aud": "other"},
        {"aud": ["other"]},
        {"aud": ["market", "other"]},
        {"aud": ["market", "other"], "azp": "other"},
        {"azp": "other"},
        {"aud": None},
        {"nonce": "n-2"},
        {"nonce": None},
        {"exp": NOW - SKEW_S},
        {"exp": None},
        {"exp": "tomorrow"},
        {"iat": NOW + SKEW_S + 1},
        {"iat": NOW - OLDEST_S - SKEW_S - 1},
        {"iat": None},
        {"nbf": NOW + SKEW_S + 1},
        {"sub": ""},
        {"sub": None},
        {"sub": "x" * 256},
        {"email": None},
        {"email_verified": False},
        {"email_verified": "true"},
        {"email_verified": None},
    ],
)
def test_what_it_says_otherwise_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(BadIdToken):
        read_id_token(token(**changes), PUBLISHED, EXPECTED)


@pytest.mark.parametrize("off_s", [-SKEW_S, SKEW_S])
def test_clocks_may_differ_a_little(off_s: float) -> None:
    read_id_token(token(iat=NOW + off_s, exp=NOW + off_s + 1, nbf=NOW + off_s), PUBLISHED, EXPECTED)


def test_only_a_published_key_signs() -> None:
    other = ECKey.generate_key("P-256")
    for forged in (token(other), token(other, kid="k2"), token(kid="k2"), token()[:-4] + "AAAA"):
        with pytest.raises(UnknownKey):
            read_id_token(forged, PUBLISHED, EXPECTED)
    with pytest.raises(UnknownKey):
        read_id_token(token(), [], EXPECTED)


def test_a_public_key_is_no_secret_to_sign_with() -> None:
    rsa = RSAKey.generate_key(2048, {"kid": "k1", "use": "sig"})
    forged = signed_by_secret({"alg": "HS256", "kid": "k1"}, CLAIMS, rsa.as_pem(private=False))
    with pytest.raises(BadIdToken):
        read_id_token(forged, [rsa.as_dict(private=False)], EXPECTED)
    shared = OctKey.generate_key(256, {"kid": "k1"})
    with pytest.raises(BadIdToken):
        read_id_token(token(shared, alg="HS256"), [shared.as_dict()], EXPECTED)


@given(st.text(max_size=80) | st.tuples(st.text(), st.text(), st.text()).map(".".join))
def test_anything_else_is_refused_and_nothing_else_raised(typed: str) -> None:
    with pytest.raises(BadIdToken):
        read_id_token(typed, [*PUBLISHED, {"kty": "RSA"}, {}], EXPECTED)
