"""Reads bodies of bounded size and checks each item by itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

from fastapi import Request
from pydantic import BaseModel, TypeAdapter, ValidationError

from services.registration.domain.reasons import Finding
from services.registration.handlers.door import Item, Malformed
from shared.contracts.intake import LayoffReported, RegistrationSubmitted
from shared.service import Problem

MOST_ITEMS = 1_000
"""Items in one call: what one transaction takes in about a second."""
MOST_BYTES = 8 << 20
"""Largest body: a thousand items of the longest kind that is met; some 8 KiB each."""

NUL = b"\\u0000"
"""How JSON writes the character that no text may hold; where a body has none of it, nobody looks through the texts."""

_BODY = TypeAdapter[Any](Any)
T = TypeVar("T", RegistrationSubmitted, LayoffReported)


async def read_body(request: Request) -> bytes:
    """Return the body, reading no more than is taken. Raises Problem 413."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MOST_BYTES:
            raise Problem(413, "Too large", f"A call may hold {MOST_BYTES} bytes.", remedy="Send fewer items in one call.")
    return bytes(body)


def parse_one(raw: bytes, model: type[T]) -> T:
    """Return the one item of a body. Raises Problem 422 naming the field."""
    item = read_item(_load(raw), model, may_have_nul=NUL in raw)
    if isinstance(item, Malformed):
        first = item.findings[0]
        detail = f"The item does not fit the contract: {first.code}."
        raise Problem(422, "Malformed request", detail, field=first.field, remedy="See docs/publish.md.")
    return item


def parse_many(raw: bytes, model: type[T]) -> Sequence[Item | Malformed]:
    """Return the items of a body `{"items": [...]}`, or of a bare list. Raises Problem 422 for a body that holds none."""
    body = _load(raw)
    items = body.get("items") if isinstance(body, dict) else body
    if not isinstance(items, list) or not 1 <= len(items) <= MOST_ITEMS:
        raise Problem(
            422,
            "Malformed request",
            f"The body holds no list of 1 to {MOST_ITEMS} items.",
            field="items",
            remedy="See docs/publish.md.",
        )
    may_have_nul = NUL in raw
    return [read_item(item, model, may_have_nul=may_have_nul) for item in items]


def read_item(item: Any, model: type[T], *, may_have_nul: bool) -> T | Malformed:
    """Return an item as the contract has it, or what is wrong with it: places and codes, no values."""
    try:
        # Past the model's own method, as with records.
        parsed: T = model.__pydantic_validator__.validate_python(item)
    except ValidationError as error:
        details = error.errors(include_input=False, include_url=False, include_context=False)
        return Malformed(tuple(Finding(f"schema_{e['type']}", ".".join(map(str, e["loc"])) or "body") for e in details))
    if not may_have_nul:
        return parsed
    # PostgreSQL keeps no NUL in a text: a hearer would fail on it, so it is stopped here as it is on Kafka.
    nul = tuple(Finding("nul_character", name) for name, value in parsed if _has_nul(value))
    return Malformed(nul) if nul else parsed


def _has_nul(value: Any) -> bool:
    return any("\x00" in text for text in _texts(value))


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, BaseModel):
        for _, inner in value:
            yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)


def _load(raw: bytes) -> Any:
    try:
        return _BODY.validate_json(raw)
    except ValidationError:
        raise Problem(422, "Malformed request", "The body is not JSON.", field="body", remedy="Send UTF-8 JSON.") from None


def schema_of(model: type[T], *, is_batch: bool) -> dict[str, Any]:
    """Return what OpenAPI says of a body that is read by hand."""
    one = model.model_json_schema()
    items = {"type": "array", "items": one, "minItems": 1, "maxItems": MOST_ITEMS}
    schema = {"type": "object", "required": ["items"], "properties": {"items": items}} if is_batch else one
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}
