"""`lab schema`: documents for editors and for other programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from lab.domain.errors import InputError

if TYPE_CHECKING:
    from lab.control.port import EnginePort

__all__ = ["schema_document"]


def schema_document(kind: str) -> dict[str, Any]:
    """The JSON Schema of a file kind, or the control API's OpenAPI document."""
    if kind == "openapi":
        from lab.control.api import make_app

        # Describing the API asks nothing of an engine.
        return make_app(cast("EnginePort", None), token="unused").openapi()
    from lab.sop.schema import json_schemas

    schemas = json_schemas()
    if kind not in schemas:
        raise InputError(
            f"there is no schema '{kind}'", hint=f"known: {', '.join((*schemas, 'openapi'))}"
        )
    return schemas[kind]
