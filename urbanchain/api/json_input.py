"""Reading JSON from strangers: RFC 8259 without the parts on which readers disagree.

Refused, each with a sentence: text that is not UTF-8, a byte order mark, a key twice in one object,
NaN and infinities, fractions and exponents (nothing here is a fraction), integers beyond 64 bits,
lone surrogates, and nesting deeper than any request of this API.
"""

import base64
import binascii
import json
import re
from typing import Any, NoReturn, TypeVar

from pydantic import BaseModel, ValidationError

from urbanchain.api.problems import RequestProblem, invalid

DEPTH_MAX = 8
INTEGER_DIGITS_MAX = 20
_BASE64URL = re.compile(r"[A-Za-z0-9_-]*={0,2}\Z")

M = TypeVar("M", bound=BaseModel)


def parse_json(data: bytes) -> Any:
    """The value of a JSON text. Raises RequestProblem (invalid-request)."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise invalid("", "the body is not UTF-8") from error
    if text.startswith("\ufeff"):
        raise invalid("", "the body begins with a byte order mark")
    try:
        value = json.loads(
            text,
            object_pairs_hook=_unique,
            parse_constant=_refuse,
            parse_float=_refuse,
            parse_int=_integer,
        )
    except RecursionError as error:
        raise invalid("", f"the body is nested deeper than {DEPTH_MAX}") from error
    except json.JSONDecodeError as error:
        reason = f"the body is not JSON: {error.msg} at character {error.pos}"
        raise invalid("", reason) from error
    except ValueError as error:
        raise invalid("", f"the body is not JSON of this API: {error}") from error
    _check(value, DEPTH_MAX)
    return value


def validate(model: type[M], value: Any) -> M:
    """A request's model of a value. Raises RequestProblem naming the first wrong place."""
    try:
        return model.model_validate(value)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        pointer = ".".join(str(part) for part in first["loc"])
        if first["type"] == "extra_forbidden":
            raise invalid(pointer, "there is no such field") from error
        message = str(first["msg"])
        raise invalid(pointer, message[:1].lower() + message[1:]) from error


def decode_base64url(text: str, pointer: str) -> bytes:
    """Strict base64url (RFC 4648 §5), with its padding or without. Raises RequestProblem."""
    bare = text.rstrip("=")
    try:
        if _BASE64URL.match(text) is None:
            raise ValueError(text)
        data = base64.b64decode(bare + "=" * (-len(bare) % 4), altchars=b"-_", validate=True)
    except (ValueError, binascii.Error) as error:
        raise invalid(pointer, "is not base64url") from error
    if base64.urlsafe_b64encode(data).rstrip(b"=").decode() != bare:
        raise invalid(pointer, "is not base64url: its last character has stray bits")
    return data


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key stands twice in one object")
    return found


def _refuse(text: str) -> NoReturn:
    raise ValueError(f"{text[:20]} is not an integer")


def _integer(text: str) -> int:
    if len(text) > INTEGER_DIGITS_MAX:
        raise ValueError("an integer beyond 64 bits")
    return int(text)


def _check(value: Any, depth_left: int) -> None:
    if isinstance(value, str):
        _check_text(value)
    elif isinstance(value, dict | list):
        if depth_left == 0:
            raise RequestProblem(
                "invalid-request", f"the body is nested deeper than {DEPTH_MAX}", {"pointer": ""}
            )
        items: Any = value
        if isinstance(value, dict):
            for key in value:
                _check_text(key)
            items = value.values()
        for item in items:
            _check(item, depth_left - 1)


def _check_text(text: str) -> None:
    if not text.isascii():
        try:
            text.encode("utf-8")
        except UnicodeEncodeError as error:
            raise invalid("", "a string holds a lone surrogate") from error
