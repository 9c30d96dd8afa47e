import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel import secrets
from kernel.secrets import KEY_BYTES, SecretBox, SecretUnreadable

OLD, NEW = os.urandom(KEY_BYTES), os.urandom(KEY_BYTES)
BOX = SecretBox({"k1": OLD})


@given(st.binary(max_size=500), st.text(st.characters(blacklist_characters="\0", codec="utf-8"), min_size=1))
def test_what_is_sealed_opens_in_its_own_place(plaintext: bytes, context: str) -> None:
    sealed = BOX.seal(plaintext, context)
    assert BOX.open(sealed, context) == plaintext
    assert sealed.isascii()
    assert "=" not in sealed
    assert BOX.seal(plaintext, context) != sealed


def test_a_value_moved_to_another_row_or_purpose_does_not_open() -> None:
    first = BOX.seal(b"whsec_a", "webhook_secret:row-1")
    second = BOX.seal(b"whsec_b", "webhook_secret:row-2")
    for sealed, context in (
        (first, "webhook_secret:row-2"),
        (second, "webhook_secret:row-1"),
        (first, "api_password:row-1"),
        (first, "webhook_secret:row-1 "),
    ):
        with pytest.raises(SecretUnreadable):
            BOX.open(sealed, context)


def test_halves_of_two_values_do_not_combine() -> None:
    first, second = BOX.seal(b"a", "row:1").split("."), BOX.seal(b"b", "row:1").split(".")
    for mixed in ([*first[:3], second[3]], [*second[:3], first[3]]):
        with pytest.raises(SecretUnreadable):
            BOX.open(".".join(mixed), "row:1")


def test_any_changed_character_is_noticed() -> None:
    sealed = BOX.seal(b"whsec_a", "row:1")
    for index, character in enumerate(sealed):
        changed = sealed[:index] + ("A" if character != "A" else "B") + sealed[index + 1 :]
        # The last base64 character of a piece carries spare bits; decoding to the same bytes is not a change.
        try:
            assert BOX.open(changed, "row:1") == b"whsec_a"
        except SecretUnreadable:
            continue
        assert sealed[index + 1 : index + 2] in ("", ".")


def test_characters_too_many_are_noticed() -> None:
    sealed = BOX.seal(b"whsec_a", "row:1")
    for added in ("!", "\n", " ", "!!!!", "\n\n\n\n"):
        with pytest.raises(SecretUnreadable):
            BOX.open(sealed + added, "row:1")
    assert secrets._encode(b"\0\0\x17") == "AAAX"


@pytest.mark.parametrize(
    "text", ["", "x", "cm1.k1", "cm1.k1..", "cm1.k1.!.!", "cm2.k1.AAAA.AAAA", "cm1.k9.AAAA.AAAA", "中"]
)
def test_text_that_is_no_sealed_value_is_unreadable(text: str) -> None:
    with pytest.raises(SecretUnreadable):
        BOX.open(text, "row:1")


def test_a_new_key_seals_while_the_old_one_still_opens() -> None:
    sealed = BOX.seal(b"secret", "row:1")
    both = SecretBox({"k2": NEW, "k1": OLD})
    assert both.open(sealed, "row:1") == b"secret"
    new_only = SecretBox({"k2": NEW})
    assert new_only.open(both.seal(b"secret", "row:1"), "row:1") == b"secret"
    with pytest.raises(SecretUnreadable):
        new_only.open(sealed, "row:1")


def test_the_ciphertext_does_not_show_the_secret() -> None:
    assert "plain" not in BOX.seal(b"plain" * 20, "row:plain")


@pytest.mark.parametrize("keys", [{}, {"k1": b"short"}, {"K 1": OLD}, {"": OLD}])
def test_unusable_keys_are_refused(keys: dict[str, bytes]) -> None:
    with pytest.raises(ValueError, match="key"):
        SecretBox(keys)


@pytest.mark.parametrize("context", ["", "row\0body"])
def test_a_context_must_name_a_place(context: str) -> None:
    with pytest.raises(ValueError, match="context"):
        BOX.seal(b"x", context)
