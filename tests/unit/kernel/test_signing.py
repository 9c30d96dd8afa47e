import base64
import json
import time
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from standardwebhooks import Webhook

from kernel import clock, signing
from kernel.signing import BadToken, TokenExpired, TokenSigner

BODY = '{"类型":"开通","n":1}'.encode()
KEY, OTHER = b"k" * 32, b"o" * 32
NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


def test_the_librarys_own_verifier_accepts_our_signature() -> None:
    secret = signing.new_webhook_secret()
    headers = signing.sign_webhook([secret], "msg_1", BODY)
    assert Webhook(secret).verify(BODY, headers) == json.loads(BODY)


def test_the_published_vector() -> None:
    """The example of the Standard Webhooks reference implementations."""
    headers = signing.sign_webhook(
        ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"],
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        b'{"test": 2432232314}',
        at=datetime.fromtimestamp(1614265330, UTC),
    )
    assert headers == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


def test_a_signature_is_the_same_wherever_the_machine_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    secret = signing.new_webhook_secret()
    in_utc = signing.sign_webhook([secret], "m", BODY, at=NOON)
    with monkeypatch.context() as machine:
        machine.setenv("TZ", "Asia/Shanghai")
        time.tzset()
        in_shanghai = signing.sign_webhook([secret], "m", BODY, at=NOON.astimezone(ZoneInfo("America/New_York")))
    time.tzset()
    assert in_shanghai == in_utc


def test_a_signature_follows_the_real_clock_even_when_ours_is_frozen() -> None:
    secret = signing.new_webhook_secret()
    with clock.frozen(datetime(2031, 1, 1, tzinfo=UTC)):
        headers = signing.sign_webhook([secret], "m", BODY)
    Webhook(secret).verify(BODY, headers)


def test_during_a_rotation_either_secret_verifies() -> None:
    old, new = signing.new_webhook_secret(), signing.new_webhook_secret()
    headers = signing.sign_webhook([new, old], "m", BODY)
    assert len(headers["webhook-signature"].split(" ")) == 2
    for secret in (old, new):
        Webhook(secret).verify(BODY, headers)


def webhook_secret(length: int) -> str:
    return "whsec_" + base64.b64encode(b"s" * length).decode()


def test_a_secret_is_as_long_as_standard_webhooks_allows() -> None:
    assert len(base64.b64decode(signing.new_webhook_secret().removeprefix("whsec_"))) == 32
    for length in (24, 64):
        Webhook(webhook_secret(length)).verify(BODY, signing.sign_webhook([webhook_secret(length)], "m", BODY))
    for length in (23, 65):
        with pytest.raises(ValueError, match="24 to 64 bytes"):
            signing.sign_webhook([webhook_secret(length)], "m", BODY)


def test_a_secret_with_a_foreign_character_is_a_slip_of_the_hand() -> None:
    with pytest.raises(ValueError, match="base64"):
        signing.sign_webhook([webhook_secret(30) + "*"], "m", BODY)


@pytest.mark.parametrize("unusable", [[], [""], ["whsec_"], ["whsec_c2hvcnQ="], ["whsec_***"], ["whsec_" + "A" * 200]])
def test_an_empty_or_weak_secret_signs_nothing(unusable: list[str]) -> None:
    with pytest.raises(ValueError, match="secret"):
        signing.sign_webhook(unusable, "m", BODY)


def test_a_message_id_cannot_blur_the_signed_text() -> None:
    with pytest.raises(ValueError, match="message id"):
        signing.sign_webhook([signing.new_webhook_secret()], "m.1", BODY)


def test_a_token_opens_for_its_purpose_until_its_time() -> None:
    signer = TokenSigner([KEY])
    token = signer.sign_token("run_callback", {"run": "r1", "名": "值"}, NOON)
    assert token.replace("-", "").replace("_", "").replace(".", "").isalnum()
    with clock.frozen(NOON - timedelta(seconds=1)):
        assert signer.open_token("run_callback", token) == {"run": "r1", "名": "值"}
        with pytest.raises(BadToken):
            signer.open_token("invite", token)
        with pytest.raises(BadToken):
            TokenSigner([OTHER]).open_token("run_callback", token)
    with clock.frozen(NOON), pytest.raises(TokenExpired):
        signer.open_token("run_callback", token)


def test_links_of_an_earlier_release_still_open() -> None:
    token = "eyJwIjp7InJ1biI6InIxIiwi5YC8Ijoiw6kifSwieCI6MTc3NzYzNjgwMH0.HmrXIbGcRt_qzOesfaSb2g7fnNsyD_V4s_EE6H7doho"
    payload = {"run": "r1", "值": "é"}
    assert TokenSigner([KEY]).sign_token("run_callback", payload, NOON) == token
    with clock.frozen(NOON - timedelta(seconds=1)):
        assert TokenSigner([KEY]).open_token("run_callback", token) == payload


def test_base64_keeps_every_letter_and_takes_no_second_spelling() -> None:
    for data in (b"", b"\0", b"\0\0\x17", b"\xff\xef\xbe", bytes(range(256))):
        assert signing._unb64(signing._b64(data)) == data
    assert signing._b64(b"\0\0\x17") == "AAAX"
    for other in ("AAA*X", "AAAX=", "AAAX\n", "++++", "AB", "A"):
        with pytest.raises(ValueError, match=r"."):
            signing._unb64(other)


def test_a_new_token_key_keeps_the_links_in_use() -> None:
    token = TokenSigner([KEY]).sign_token("invite", {"id": 1}, NOON)
    with clock.frozen(NOON - timedelta(hours=1)):
        assert TokenSigner([OTHER, KEY]).open_token("invite", token) == {"id": 1}


def test_a_short_code_is_of_its_purpose_its_subject_and_any_key() -> None:
    now, before = TokenSigner([KEY, OTHER]), TokenSigner([OTHER])
    code = now.short_code("sign-up", "one@example.test")
    assert code == "349133"
    assert now.is_short_code("sign-up", "one@example.test", code)
    assert now.is_short_code("sign-up", "one@example.test", before.short_code("sign-up", "one@example.test"))
    assert not before.is_short_code("sign-up", "one@example.test", code)
    assert not now.is_short_code("reset", "one@example.test", code)
    assert not now.is_short_code("sign-up", "two@example.test", code)
    for wrong in ("", code[:-1], code + "0", "é" * 6, "\ud800" * 6, "１２３４５６"):
        assert not now.is_short_code("sign-up", "one@example.test", wrong)


def test_a_short_code_keeps_its_leading_zeros() -> None:
    signer = TokenSigner([KEY])
    codes = [signer.short_code("sign-up", str(number)) for number in range(200)]
    assert {len(code) for code in codes} == {6}
    assert any(code.startswith("0") for code in codes)
    assert all(code.isdecimal() for code in codes)


def test_any_altered_character_of_a_token_is_noticed() -> None:
    signer = TokenSigner([KEY])
    token = signer.sign_token("invite", {"id": 1}, NOON)
    with clock.frozen(NOON - timedelta(hours=1)):
        for index, character in enumerate(token):
            changed = token[:index] + ("A" if character != "A" else "B") + token[index + 1 :]
            with pytest.raises(BadToken):
                signer.open_token("invite", changed)
        for malformed in ("", ".", "a", "a.b", token + "=", token + ".x", "中.文", "\ud800.AAAA", token.split(".")[0]):
            with pytest.raises(BadToken):
                signer.open_token("invite", malformed)


@pytest.mark.parametrize("keys", [[], [b"short"]])
def test_weak_token_keys_are_refused(keys: list[bytes]) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        TokenSigner(keys)


def test_an_api_key_is_recognised_and_not_recoverable() -> None:
    minted = signing.mint_api_key("cm")
    presented = signing.read_api_key(minted.text)
    assert presented is not None
    assert (presented.prefix, presented.key_id) == ("cm", minted.key_id)
    assert presented.matches(minted.digest)
    assert not presented.matches(signing.mint_api_key().digest)
    assert minted.text.split(".")[1] not in (minted.digest, minted.key_id)
    assert len(base64.urlsafe_b64decode(minted.text.split(".")[1] + "=")) == 32


@pytest.mark.parametrize(
    "text", ["", "cm_", "cm_1.2", "x" * 5000, "cm_0123456789abcdef." + "a" * 42, "cm_0123456789abcdef." + "é" * 43]
)
def test_what_is_no_api_key_is_none(text: str) -> None:
    assert signing.read_api_key(text) is None


def test_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signing, "_hasher", signing.ARGON2)
    stored = signing.hash_password("correct horse é")
    assert stored.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert signing.verify_password(stored, "correct horse é")
    assert signing.verify_password(stored, "correct horse e\u0301")
    assert not signing.verify_password(stored, "correct horse e")
    assert not signing.verify_password(None, "correct horse é")
    assert not signing.verify_password("no hash", "x")
    assert not signing.verify_password(stored, "x" * 5000)
    assert not signing.password_needs_rehash(stored)
    assert signing.password_needs_rehash("$argon2id$v=19$m=8192,t=1,p=1$c29tZXNhbHQ$" + "A" * 43)


@pytest.mark.parametrize("password", ["x" * 1024, "half a pair \ud800"])
def test_a_long_or_odd_password_is_a_password(password: str) -> None:
    assert signing.verify_password(signing.hash_password(password), password)


@pytest.mark.parametrize("password", ["", "x" * 1025])
def test_an_unusable_password_is_refused(password: str) -> None:
    with pytest.raises(ValueError, match="password"):
        signing.hash_password(password)
