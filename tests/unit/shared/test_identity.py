import hmac
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from shared.clock import Clock
from shared.contracts.envelope import Envelope, derive_id, hash64
from shared.errors import Unprocessable
from shared.messaging.records import intake_id, seen_id
from shared.security import BlindIndex, Caller, hash_access_code, matches_access_code, new_access_code, open_bytes, seal_bytes

NOON = datetime(2020, 5, 11, 5, tzinfo=UTC)


def test_the_same_cause_gives_the_same_id_and_another_kind_or_ordinal_another() -> None:
    cause = derive_id("a cause", "intake", at=NOON)

    assert derive_id(cause, "x") == derive_id(cause, "x")
    assert len({derive_id(cause, "x"), derive_id(cause, "y"), derive_id(cause, "x", 1)}) == 3


def test_an_id_starts_with_its_time_and_is_a_uuid_of_version_8() -> None:
    id_ = derive_id("a cause", "intake", at=NOON)

    assert id_.int >> 80 == int(NOON.timestamp() * 1000)
    assert (id_.version, derive_id(id_, "x").int >> 80) == (8, id_.int >> 80)


def test_an_intake_event_is_recognised_by_source_and_id_whatever_time_a_copy_states() -> None:
    first = Envelope("7", "https://a.example", "t", NOON)
    copy = Envelope("7", "https://a.example", "t", NOON + timedelta(hours=1))
    other = Envelope("7", "https://b.example", "t", NOON)

    assert seen_id(first, "a") == seen_id(copy, "a") != seen_id(other, "a")
    assert intake_id(first, "a") != intake_id(other, "a")


def test_a_publisher_that_names_another_ones_source_uses_up_none_of_its_ids() -> None:
    event = Envelope("7", "https://a.example", "t", NOON)

    assert seen_id(event, "a") != seen_id(event, "b")
    assert intake_id(event, "a") != intake_id(event, "b")


def test_sums_of_hashes_tell_sets_of_events_apart() -> None:
    ids = [uuid4() for _ in range(1000)]

    assert sum(map(hash64, ids)) == sum(map(hash64, reversed(ids)))
    assert sum(map(hash64, ids)) != sum(map(hash64, [*ids[1:], uuid4()]))


def test_a_box_opens_for_its_subject_box_and_schema_only() -> None:
    key, subject = bytes(range(32)), uuid4()
    sealed = seal_bytes(key, subject, "facts", "Facts", b"secret")

    assert open_bytes(key, subject, "facts", "Facts", sealed) == b"secret"
    for wrong in ((uuid4(), "facts", "Facts"), (subject, "contact", "Facts"), (subject, "facts", "Contact")):
        with pytest.raises(Unprocessable):
            open_bytes(key, *wrong, sealed)


def test_blind_tokens_differ_by_kind_and_key_and_both_versions_are_written() -> None:
    index = BlindIndex({1: b"a" * 32, 2: b"b" * 32})

    tokens = index.tokens("nik", "3273015204890007")
    assert set(tokens) == {1, 2}
    assert tokens != index.tokens("kk", "3273015204890007")
    assert index.current == 2


@pytest.mark.parametrize("size", [1, 32, 64, 65, 200])
def test_a_blind_token_is_the_hmac_under_keys_of_any_length(size: int) -> None:
    key = bytes(range(size))

    assert BlindIndex({1: key}).tokens("nik", "3273") == {1: hmac.digest(key, b"nik\x1f3273", "sha256")}


def test_an_access_code_matches_its_worker_only_in_either_case() -> None:
    worker, code = uuid4(), new_access_code()
    digest = hash_access_code(code, worker)

    assert matches_access_code(code.lower(), worker, digest)
    assert not matches_access_code(code, uuid4(), digest)
    assert not set("01OIL") & set("".join(new_access_code() for _ in range(200)))


def test_a_caller_of_a_province_covers_its_regencies_and_no_other() -> None:
    caller = Caller("petugas-32-a", frozenset({"staff"}), frozenset({"32"}))

    assert caller.may("staff", "32.73")
    assert not caller.may("staff", "33.73")
    assert not caller.may("operator", "32.73")
    assert not caller.covers("3")


def test_business_time_is_an_affine_map_of_real_time() -> None:
    clock = Clock.parse("2020-05-04T00:00:00+00:00@2026-01-01T00:00:00+00:00*3600")

    assert clock.at(datetime(2026, 1, 1, 0, 0, 2, tzinfo=UTC)) == datetime(2020, 5, 4, 2, tzinfo=UTC)
    later = datetime(2026, 1, 1, 0, 10, tzinfo=UTC)
    assert clock.real(clock.at(later)) == later
    assert Clock.parse(str(clock)) == clock
    with pytest.raises(ValueError, match="RINTIS_CLOCK"):
        Clock.parse("yesterday")
