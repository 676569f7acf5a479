"""`lab schema`: documents for editors and for other programs."""

from __future__ import annotations

from typing import Any

from lab.domain.errors import InputError

__all__ = ["schema_document"]


def schema_document(kind: str) -> dict[str, Any]:
    """The JSON Schema of a file kind, or the control API's OpenAPI document."""
    if kind == "openapi":
        from lab.control.api import openapi_document

        return openapi_document()
    from lab.sop.schema import json_schemas

    schemas = json_schemas()
    if kind not in schemas:
        raise InputError(
            f"there is no schema '{kind}'", hint=f"known: {', '.join((*schemas, 'openapi'))}"
        )
    return schemas[kind]
