"""A credit note says in words why money went back, never in a code."""

import pytest

from billing.refunds.reasons import WORDS, reason_in_words


@pytest.mark.parametrize("code", [*WORDS, "dispute_fraudulent", "payment_reversed", "fraudulent", "reversed"])
@pytest.mark.parametrize("language", ["zh-CN", "en", "bilingual"])
def test_a_code_is_said_in_the_documents_language(code: str, language: str) -> None:
    if code in {"dispute", "other"}:
        code += "_x"
    said = reason_in_words(code, language)
    assert "_" not in said
    assert any(sign > "\u3400" for sign in said) == (language != "en")
    assert any(sign.isascii() and sign.isalpha() for sign in said) == (language != "zh-CN")


@pytest.mark.parametrize("written", ["误购", "Bought twice", "wrong", "Wrong plan, sorry", ""])
def test_what_a_person_wrote_stays(written: str) -> None:
    assert {reason_in_words(written, language) for language in ("zh-CN", "en", "bilingual")} == {written}
