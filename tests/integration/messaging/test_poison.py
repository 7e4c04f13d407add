import dataclasses
from collections.abc import Callable

import pytest

from shared.messaging.records import StoredRecord
from tests.integration.messaging.messaging_stage import Stage, intake_record

Spoil = Callable[[StoredRecord], StoredRecord]


def with_header(name: str, value: bytes | None) -> Spoil:
    return lambda record: dataclasses.replace(record, headers=[(n, value if n == name else v) for n, v in record.headers])


def without_header(name: str) -> Spoil:
    return lambda record: dataclasses.replace(record, headers=[(n, v) for n, v in record.headers if n != name])


def with_value(value: bytes | None) -> Spoil:
    return lambda record: dataclasses.replace(record, value=value)


def with_change(old: bytes, new: bytes) -> Spoil:
    def spoil(record: StoredRecord) -> StoredRecord:
        assert record.value is not None
        assert old in record.value
        return dataclasses.replace(record, value=record.value.replace(old, new))

    return spoil


def with_key(key: bytes | None) -> Spoil:
    return lambda record: dataclasses.replace(record, key=key)


POISON: list[tuple[str, Spoil, str, str]] = [
    ("not JSON", with_value(b"{oops"), "not_json", "body"),
    ("empty", with_value(b""), "missing", "body"),
    ("null", with_value(None), "missing", "body"),
    ("a list", with_value(b"[]"), "schema_model_type", "body"),
    ("not UTF-8", with_value(b'{"reference": "\xff"}'), "not_json", "body"),
    ("a missing field", with_value(b'{"reference": "r5"}'), "schema_missing", "nik"),
    ("a number for a text", with_change(b'"Siti"', b"7"), "schema_string_type", "name"),
    ("a date that is none", with_change(b"1990-01-01", b"1990-13-41"), "schema_date_from_datetime_parsing", "birth_date"),
    ("an unknown status", with_change(b'"phk"', b'"resign"'), "schema_literal_error", "employment_status"),
    ("a text that is too long", with_change(b"Siti", b"S" * 201), "schema_string_too_long", "name"),
    ("a NUL", with_change(b"Siti", b"Si\\u0000ti"), "nul_character", "body"),
    ("a million bytes", with_change(b"Siti", b"S" * 1_000_000), "schema_string_too_long", "name"),
    ("no id", without_header("ce_id"), "missing", "ce_id"),
    ("an empty id", with_header("ce_id", b""), "missing", "ce_id"),
    ("a null header", with_header("ce_source", None), "missing", "ce_source"),
    ("a header that is not UTF-8", with_header("ce_source", b"\xff\xfe"), "not_utf8", "ce_source"),
    ("another specversion", with_header("ce_specversion", b"0.3"), "specversion_unknown", "ce_specversion"),
    ("an unknown type", with_header("ce_type", b"id.rintis.intake.wedding.announced.v1"), "type_unknown", "ce_type"),
    ("a later version", with_header("ce_type", b"id.rintis.intake.registration.submitted.v9"), "version_unknown", "ce_type"),
    ("a time without offset", with_header("ce_time", b"2026-03-02T05:00:00"), "no_offset", "ce_time"),
    ("a time that is none", with_header("ce_time", b"noon"), "malformed", "ce_time"),
    ("no key", with_key(None), "missing", "key"),
    ("another key", with_key(b"elsewhere"), "key_mismatch", "key"),
]


@pytest.mark.parametrize("is_alone", [True, False], ids=["alone", "in the middle of a batch"])
async def test_poison_is_one_dead_letter_each_and_its_neighbours_are_unharmed(stage: Stage, is_alone: bool) -> None:  # noqa: FBT001
    consumer = stage.consumer()
    await stage.assign(consumer)
    records = [spoil(intake_record(n * 2 + 1, f"r{n}")) for n, (_, spoil, _, _) in enumerate(POISON)]
    good = [intake_record(n * 2, f"good{n}") for n in range(len(POISON) + 1)]
    batch = sorted([*records, *good], key=lambda record: record.offset)
    for part in [[record] for record in batch] if is_alone else [batch]:
        await consumer.process(part)

    assert len(await stage.notes()) == len(good)
    dead = await stage.rows("select record_offset, reason, field from dead_letters order by record_offset")
    assert [(row["record_offset"], row["reason"], row["field"]) for row in dead] == [
        (n * 2 + 1, reason, field) for n, (_, _, reason, field) in enumerate(POISON)
    ]


async def test_what_the_database_rejects_is_isolated_from_the_set_it_came_in(stage: Stage) -> None:
    consumer = stage.consumer()
    await stage.assign(consumer)
    async with stage.database.connection() as connection:
        await connection.execute("alter table effects add constraint effects_note check (note <> 'rejected')")

    await consumer.process([intake_record(n, f"r{n}", name="rejected" if n == 41 else f"n{n}") for n in range(100)])

    assert len(await stage.notes()) == 99
    assert await stage.rows("select key, reason from gate") == [{"key": "r41", "reason": "sqlstate_23514"}]
