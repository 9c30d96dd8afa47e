"""Schemas of the published contract: bodies as pydantic reads them, and names that a generated client can use."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

from litestar.handlers import HTTPRouteHandler
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode, JsonSchemaValue, models_json_schema
from pydantic_core.core_schema import CoreSchema, IsInstanceSchema, StringSchema

from api.schema import LONGEST_TEXT, ProblemOut, Wire

REFERENCE = "#/components/schemas/{model}"
_PAGE = re.compile(r"PageOut_(?:[\w.]+\.)?(\w+?)(?:Out)?_")


class WireSchema(GenerateJsonSchema):
    """What `Wire` refuses, limits that come from its configuration included."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        """No titles beside the names: generators would name types by them."""
        return False

    def str_schema(self, schema: StringSchema) -> JsonSchemaValue:
        """A text, which is never longer than `Wire` allows."""
        return {"maxLength": LONGEST_TEXT, **super().str_schema(schema)}

    def is_instance_schema(self, schema: IsInstanceSchema) -> JsonSchemaValue:
        """A file of a form: no other class is a field of a body."""
        return {"type": "string", "format": "binary"}


def body_schemas(handlers: Iterable[HTTPRouteHandler]) -> dict[str, Any]:
    """Schemas of all `Wire` bodies and of what they consist of, by name.

    Litestar's own leave out that unknown fields are refused, and the limits of what may also be null.
    """
    fields = [handler.parsed_data_field for handler in handlers]
    kinds = {field.annotation for field in fields if field is not None}
    models: list[tuple[type[Wire], JsonSchemaMode]] = [
        (kind, "validation") for kind in kinds if isinstance(kind, type) and issubclass(kind, Wire)
    ]
    _, found = models_json_schema(models, ref_template=REFERENCE, schema_generator=WireSchema)
    schemas: dict[str, Any] = found["$defs"]
    return schemas


def problem_schemas() -> dict[str, Any]:
    """The error body, `Problem`, and its parts."""
    schema = ProblemOut.model_json_schema(ref_template=REFERENCE, schema_generator=_Plain)
    return {"Problem": schema, **schema.pop("$defs", {})}


class _Plain(GenerateJsonSchema):
    def field_title_should_be_set(self, schema: CoreSchema | Any) -> bool:
        return False


def named_plainly(document: dict[str, Any]) -> dict[str, Any]:
    """`document` with every schema's name one word, and its title the name: generators take either for a class's name.

    Litestar calls a page of lines `PageOut_LineOut_`, with our folders in between when it must; here it is `LinePage`.

    Raises:
        ValueError: two schemas would have one name.
    """
    schemas = document["components"]["schemas"]
    names = {name: _plain_name(name) for name in schemas}
    if len(set(names.values())) < len(names):
        raise ValueError("two schemas of the API share a name")
    text = json.dumps(document)
    for name, plain in names.items():
        text = text.replace(f'"{REFERENCE.format(model=name)}"', f'"{REFERENCE.format(model=plain)}"')
    renamed: dict[str, Any] = json.loads(text)
    found = renamed["components"]["schemas"]
    renamed["components"]["schemas"] = {plain: found[name] | {"title": plain} for name, plain in names.items()}
    return renamed


def _plain_name(name: str) -> str:
    page = _PAGE.fullmatch(name)
    return f"{page[1]}Page" if page else name
