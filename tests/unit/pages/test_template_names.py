"""What a template names is there: a macro that nobody imported is a server error only once its line is reached."""

from __future__ import annotations

import pytest
from jinja2 import meta, nodes

from api.pages.frame.rendering import environment

GIVEN = {"view", "chrome", "f", "t", "tn", "word", "in_words", "script_texts", "rail", "bottom_bar"}
"""What `render` gives to every template."""
TEMPLATES = sorted(name for name in environment().list_templates() if name.endswith(".html"))


def parsed(name: str) -> nodes.Template:
    loader = environment().loader
    assert loader is not None
    return environment().parse(loader.get_source(environment(), name)[0])


def defined(name: str) -> set[str]:
    """What a template imports, defines and sets itself, and what the layout that it extends does."""
    tree = parsed(name)
    found = {one.target for one in tree.find_all(nodes.Import)} | {one.name for one in tree.find_all(nodes.Macro)}
    for imports in tree.find_all(nodes.FromImport):
        found |= {one[1] if isinstance(one, tuple) else one for one in imports.names}
    found |= {one.name for one in tree.find_all(nodes.Name) if one.ctx in ("store", "param")}
    for layout in tree.find_all(nodes.Extends):
        assert isinstance(layout.template, nodes.Const)
        found |= defined(layout.template.value)
    return found


def includers(name: str) -> list[str]:
    return [
        other
        for other in TEMPLATES
        for one in parsed(other).find_all(nodes.Include)
        if isinstance(one.template, nodes.Const) and one.template.value == name
    ]


@pytest.mark.parametrize("name", TEMPLATES)
def test_every_name_is_given_imported_or_set(name: str) -> None:
    unknown = meta.find_undeclared_variables(parsed(name)) - GIVEN - set(environment().globals) - defined(name)
    # What is included knows what is set around it.
    if unknown:
        around = [defined(one) for one in includers(name)]
        unknown = {one for one in unknown if not around or any(one not in names for names in around)}
    assert unknown == set()


def test_what_is_missing_is_found() -> None:
    tree = environment().parse("{% from 'frame/parts/icons.html' import icon %}{{ icon('x') }}{{ reliable(view) }}")
    assert meta.find_undeclared_variables(tree) - GIVEN == {"reliable"}
