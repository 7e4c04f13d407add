"""The structural comparison of two schemas, both directions."""

from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field

from rintis.contracts.compatibility import find_breaks


class Address(BaseModel):
    regency: str


class Published(BaseModel):
    id: str
    sex: Literal["L", "P"]
    address: Address
    tags: list[str] = []
    note: str | None = None
    count: int = Field(ge=0, le=10)


class WithOptional(Published):
    extra: int | None = None


class WithRequired(Published):
    must: int


class Tightened(Published):
    count: int = Field(ge=5, le=10)


class Narrowed(Published):
    sex: Literal["L"]


class Widened(Published):
    sex: Literal["L", "P", "X"]  # type: ignore[assignment] # the widening is the point


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")

    id: str
    sex: Literal["L", "P"]
    address: Address
    count: int = Field(ge=0, le=10)


class Retyped(Published):
    id: int  # type: ignore[assignment] # the change of type is the point


class Patterned(Published):
    id: Annotated[str, Field(pattern="^[0-9]+$")]


class Deeper(Address):
    village: str


class DeeplyRequired(Published):
    address: Deeper


class NoLongerNullable(Published):
    note: str = ""


def compare(written: type[BaseModel], read: type[BaseModel]) -> list[str]:
    return find_breaks(written.model_json_schema(), read.model_json_schema())


def test_a_new_optional_field_breaks_nobody_in_either_direction() -> None:
    assert compare(Published, WithOptional) == []
    assert compare(WithOptional, Published) == []


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        (WithRequired, "$.must"),
        (Tightened, "minimum"),
        (Narrowed, "$.sex"),
        (Strict, "$.note"),
        (Retyped, "$.id"),
        (Patterned, "pattern"),
        (DeeplyRequired, "$.address.village"),
        (NoLongerNullable, "$.note"),
    ],
)
def test_a_reader_that_asks_for_more_is_named_with_its_field(changed: type[BaseModel], named: str) -> None:
    assert any(named in line for line in compare(Published, changed))


def test_a_new_enum_value_breaks_those_who_are_not_upgraded() -> None:
    assert compare(Published, Widened) == []
    assert compare(Widened, Published) == ["$.sex: does not take X"]


def test_an_integer_may_be_read_as_a_number_and_not_the_other_way() -> None:
    integer: dict[str, Any] = {"type": "integer"}
    number: dict[str, Any] = {"type": "number"}
    assert find_breaks(integer, number) == []
    assert find_breaks(number, integer) == ["$: type number is not integer"]
