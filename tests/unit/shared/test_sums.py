from datetime import UTC, datetime, timedelta
from uuid import UUID

from shared.clock import Clock
from shared.contracts.envelope import Envelope, derive_id, hash64, headers_of
from shared.messaging.frame import Numbers, last_numbers
from shared.messaging.items import Item
from shared.messaging.outcomes import HANDLED, IGNORED, REPEAT, Outcome
from shared.messaging.records import StoredRecord, read_envelope
from shared.storage.flow import Heard, cells_of

NOON = datetime(2020, 5, 11, 5, tzinfo=UTC)
IDS = [derive_id(str(number), "event", at=NOON) for number in range(4)]


def an_item(key: str, sequence: int | None, outcome: Outcome) -> Item:
    record = StoredRecord("registration.workers", 0, 0, 0, key.encode(), b"", ())
    return Item(record, key, UUID(int=0), NOON, sequence=sequence, outcome=outcome)


def test_events_are_summed_by_their_minute_however_they_come() -> None:
    late = NOON + timedelta(seconds=59, microseconds=999_999)
    times = [NOON, late, NOON + timedelta(minutes=1), NOON]

    cells = cells_of(Heard("t", 0, at, "handled", id_) for at, id_ in zip(times, IDS, strict=True))

    assert cells == [
        ("t", 0, NOON, "handled", 3, sum(hash64(IDS[n]) for n in (0, 1, 3))),
        ("t", 0, NOON + timedelta(minutes=1), "handled", 1, hash64(IDS[2])),
    ]


def test_what_was_taken_back_is_subtracted() -> None:
    [cell] = cells_of([Heard("t", 0, NOON, "parked", IDS[0]), Heard("t", 0, NOON, "parked", IDS[0], -1)])

    assert cell[-2:] == (0, 0)


def test_a_key_is_known_by_its_last_number_and_by_the_last_that_had_an_effect() -> None:
    items = [an_item("a", 1, HANDLED), an_item("a", 2, IGNORED), an_item("b", 3, IGNORED), an_item("c", None, HANDLED)]

    assert last_numbers([*items, an_item("a", 1, REPEAT)]) == {
        ("registration.workers", "a"): Numbers(2, 1),
        ("registration.workers", "b"): Numbers(3, None),
    }


def test_an_older_effect_that_comes_later_lowers_no_number() -> None:
    [numbers] = last_numbers([an_item("a", 5, HANDLED), an_item("a", 4, HANDLED)]).values()

    assert numbers == (5, 5)


def test_attributes_come_back_from_their_headers_as_they_were() -> None:
    for time in (NOON, NOON + timedelta(microseconds=1), NOON):
        envelope = Envelope(str(IDS[0]), "/rintis/registration", "id.rintis.x.v1", time, 7)
        assert read_envelope(headers_of(envelope)) == envelope


def test_the_ordinary_clock_takes_every_instant_for_itself() -> None:
    late = NOON + timedelta(microseconds=1)

    assert Clock().at(late) == late == Clock().real(late)
    assert Clock(NOON, NOON + timedelta(days=1)).at(late + timedelta(days=1)) == late
