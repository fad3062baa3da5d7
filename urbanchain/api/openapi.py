"""The OpenAPI 3.1 document, made from the table of routes and the catalogue of problems."""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from urbanchain.api.problems import CATALOGUE, MEDIA_TYPE, PROBLEMS

if TYPE_CHECKING:
    from urbanchain.api.routes import Route

OPENAPI_PATH = "/openapi.json"
_REFERENCE = "#/components/schemas/{model}"
_PROBLEM_SCHEMA = {
    "type": "object",
    "description": "RFC 9457. Other members are the facts of the case.",
    "required": ["type", "title", "status", "detail", "retryable"],
    "properties": {
        "type": {"type": "string", "enum": [f"/problems/{p.name}" for p in CATALOGUE]},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "retryable": {"type": "boolean"},
        "pointer": {"type": "string", "description": "The place in the request."},
    },
}


def render_openapi(routes: Sequence["Route"], version: str) -> dict[str, Any]:
    """The document, as JSON values."""
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(route.plain_path, {})[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "UrbanChain",
            "version": version,
            "description": "Heights are numbers, amounts decimal strings, hashes lower-case hex, "
            "times RFC 3339 UTC with milliseconds, addresses Bech32m.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": paths,
        "components": {"schemas": _schemas(routes) | {"Problem": _PROBLEM_SCHEMA}},
    }


def _operation(route: "Route") -> dict[str, Any]:
    responses = {"200": {"description": route.summary, "content": _content(route.answers)}}
    if route.method == "POST":
        responses["202"] = {
            "description": "Taken, and not yet final",
            "content": _content(route.answers),
        }
    for name in dict.fromkeys(("invalid-request", *route.problems)):
        problem = PROBLEMS[name]
        known = responses.setdefault(str(problem.status), {"description": ""})
        known["description"] = f"{known['description']} {name}".strip()
        known["content"] = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    operation: dict[str, Any] = {
        "operationId": route.handle.__name__,
        "summary": route.summary,
        "parameters": _parameters(route),
        "responses": responses,
    }
    if route.reads:
        content = {media: _body_schema(model) for media, model in route.reads}
        operation["requestBody"] = {"required": True, "content": content}
    return operation


def _parameters(route: "Route") -> list[dict[str, Any]]:
    path = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in re.findall(r"{(\w+)}", route.plain_path)
    ]
    query = []
    for parameter in route.query:
        schema: dict[str, Any] = {"type": parameter.kind.value}
        if parameter.kind.value == "integer":
            schema |= {"minimum": parameter.minimum, "maximum": parameter.maximum}
        if parameter.default is not None:
            schema["default"] = parameter.default
        described = {"name": parameter.name, "in": "query", "description": parameter.summary}
        query.append({**described, "required": False, "schema": schema})
    return path + query


def _content(answers: type[BaseModel] | str) -> dict[str, Any]:
    if isinstance(answers, str):
        return {answers: {}}
    return {"application/json": _body_schema(answers)}


def _body_schema(model: type[BaseModel] | None) -> dict[str, Any]:
    if model is None:
        return {"schema": {"type": "string", "format": "binary"}}
    return {"schema": {"$ref": _REFERENCE.format(model=model.__name__)}}


def _schemas(routes: Sequence["Route"]) -> dict[str, Any]:
    models = {r.answers for r in routes if not isinstance(r.answers, str)}
    models |= {model for r in routes for _, model in r.reads if model is not None}
    ordered = sorted(models, key=lambda model: model.__name__)
    _, schema = models_json_schema(
        [(model, "validation") for model in ordered], ref_template=_REFERENCE
    )
    definitions: dict[str, Any] = schema.get("$defs", {})
    return definitions
