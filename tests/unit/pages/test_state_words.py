"""A refused transition names its states in words: those of every machine, in both languages."""

from __future__ import annotations

import pytest

from api.language import LANGUAGES, Language
from api.pages.frame.translations import translations
from api.problems import sentence
from app import whole_product  # noqa: F401 - every machine is there
from kernel.states import Machine, machines


@pytest.mark.parametrize("machine", machines.values(), ids=list(machines))
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_state_is_said_in_words(machine: Machine, language: Language) -> None:
    known = set(translations(language).texts.values())
    for state in machine.states:
        params = {"machine": machine.name, "source": state, "target": state}
        told = sentence("invalid_transition", language, params)["what"]
        before, _, after = told.partition(" → ")
        assert any(before.endswith(word) and after.startswith(word) for word in known if word), told
        if language == "zh-CN":
            assert state not in told, told


def test_what_only_begins_comes_from_nowhere() -> None:
    told = sentence("invalid_transition", "en", {"machine": "order", "source": "", "target": "paid"})
    assert "(– → Paid)" in told["what"]
