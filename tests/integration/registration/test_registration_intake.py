import asyncio
from dataclasses import replace
from datetime import date, timedelta
from typing import Any, cast

import pytest

from services.registration.handlers.registrations import TakeRegistrations
from shared.contracts.intake import RegistrationSubmitted
from shared.contracts.registration import RegistrationRefused, RegistrationRepeated, WorkerRegistered
from shared.security import BlindIndex, matches_access_code
from tests.integration.registration.registration_setup import NOW, Office, a_layoff, a_registration, open_office

OTHER_NIK = "9501011203850002"


async def only(office: Office, kind: type[Any]) -> Any:
    found = [event for event in await office.said() if isinstance(event, kind)]
    assert len(found) == 1
    return found[0]


async def test_an_accepted_registration_becomes_one_sealed_event(office: Office) -> None:
    await office.hear(a_registration())
    event = await only(office, WorkerRegistered)
    contact, facts = await office.open_contact(event, event.worker_id), await office.open_facts(event)
    assert contact is not None
    assert facts is not None
    assert contact.phone == "+6281200417889"
    assert contact.ticket == facts.ticket == event.ticket
    assert event.province == "32"
    assert matches_access_code(contact.access_code or "", event.worker_id, facts.access_code_hash)


async def test_the_same_event_five_times_is_one_registration(office: Office) -> None:
    event = a_registration()
    await office.hear(event, event, event, ids=["same"] * 3)
    await office.hear(event, event, ids=["same"] * 2)
    assert await office.kinds() == ["WorkerRegistered"]
    assert await office.verdicts() == {"accepted": 1}


async def test_the_same_reference_with_the_same_nik_is_a_duplicate(office: Office) -> None:
    event = a_registration()
    await office.hear(event)
    await office.hear(event)
    assert await office.verdicts() == {"accepted": 1, "duplicate": 1}


async def test_of_one_nik_twice_in_a_batch_the_first_is_registered(office: Office) -> None:
    await office.hear(a_registration(phone="081200000001"), a_registration(phone="081200000002"))
    event = await only(office, WorkerRegistered)
    contact = await office.open_contact(event, event.worker_id)
    assert contact is not None
    assert contact.phone == "+6281200000001"


async def test_a_duplicate_is_told_to_the_known_contact_only(office: Office) -> None:
    await office.hear(a_registration(phone="081200000001"))
    before = await office.rows("select contact, ticket from persons")
    await office.hear(a_registration(phone="081299999999", email="orang.lain@contoh.id"))
    repeated = await only(office, RegistrationRepeated)
    contact = await office.open_contact(repeated, repeated.worker_id)
    assert contact is not None
    assert (contact.phone, contact.email) == ("+6281200000001", None)
    assert await office.rows("select contact, ticket from persons") == before


async def test_nobody_can_be_flooded_by_duplicates_of_others(office: Office) -> None:
    await office.hear(a_registration())
    for _ in range(3):
        await office.hear(a_registration())
    assert (await office.kinds()).count("RegistrationRepeated") == 1


async def test_a_day_later_a_duplicate_is_told_again(office: Office) -> None:
    await office.hear(a_registration())
    await office.hear(a_registration())
    await office.rows("update persons set repeat_told_at = $1 returning 1", NOW - timedelta(days=1))
    await office.hear(a_registration())
    assert (await office.kinds()).count("RegistrationRepeated") == 2


async def test_bad_content_is_refused_with_every_reason_and_told_under_a_key_that_expires(office: Office) -> None:
    await office.hear(
        a_registration(nik="abc", layoff_on=date(2030, 1, 1)), a_registration(OTHER_NIK, birth_date=date(1985, 3, 12))
    )
    refused = await only(office, RegistrationRefused)
    assert {(reason.code, reason.field) for reason in refused.reasons} == {("NIK_FORMAT", "nik"), ("LAYOFF_FUTURE", "layoff_on")}
    contact = await office.open_contact(refused, refused.reference_id)
    assert contact is not None
    assert contact.ticket is None
    assert await office.verdicts() == {"refused": 1, "accepted": 1}
    async with office.desk.boxes.keys.database.connection() as connection:
        days = await connection.fetchval(
            "select extract(day from expires_at - clock_timestamp())::int from keys where subject = $1", refused.reference_id
        )
    assert days in {29, 30}


async def test_a_refused_registration_without_contact_is_refused_all_the_same(office: Office) -> None:
    await office.hear(a_registration(nik="abc", phone=None))
    refused = await only(office, RegistrationRefused)
    assert refused.contact is None


async def test_a_refused_registration_may_come_again_corrected_under_its_reference(office: Office) -> None:
    await office.hear(a_registration(nik="abc", reference="R1"))
    await office.hear(a_registration(reference="R1"))
    assert await office.verdicts() == {"refused": 1, "accepted": 1}


async def test_a_reference_that_was_used_for_somebody_else_is_refused(office: Office) -> None:
    await office.hear(a_registration(reference="R1"))
    await office.hear(a_registration(OTHER_NIK, reference="R1", birth_date=date(1985, 3, 12)))
    refused = await only(office, RegistrationRefused)
    assert [reason.code for reason in refused.reasons] == ["REFERENCE_REUSED"]
    assert (await office.kinds()).count("WorkerRegistered") == 1


async def test_two_processes_that_race_for_one_nik_register_one_person(office: Office, databases: dict[str, str]) -> None:
    async with open_office(databases) as rival:
        await asyncio.gather(
            office.hear(a_registration(), publisher="kemnaker"),
            rival.hear(a_registration(), publisher="dinas"),
        )
    assert await office.verdicts() == {"accepted": 1, "duplicate": 1}
    assert await office.rows("select count(*) from persons") == [(1,)]
    assert (await office.kinds()).count("WorkerRegistered") == 1


async def test_during_a_rotation_both_versions_are_written_and_one_nik_stays_one_person(office: Office) -> None:
    one, two = b"1" * 32, b"2" * 32
    for index in (BlindIndex({1: one}), BlindIndex({1: one, 2: two}), BlindIndex({2: two})):
        route = TakeRegistrations(replace(office.desk, blind=index))
        pipeline = office.pipelines["intake.registrations"]
        cast("dict[Any, Any]", pipeline.subscription.routes)[RegistrationSubmitted] = route
        await office.hear(a_registration())
    assert await office.verdicts() == {"accepted": 1, "duplicate": 2}
    assert await office.rows("select version from nik_tokens order by version") == [(1,), (2,)]


async def test_a_list_preregisters_and_says_nothing(office: Office) -> None:
    await office.hear(a_layoff())
    assert await office.rows("select state from persons") == [("preregistered",)]
    assert await office.kinds() == []
    assert await office.verdicts() == {"evidence": 1}


async def test_a_registration_takes_the_evidence_of_lists_along(office: Office) -> None:
    await office.hear(a_layoff())
    await office.hear(a_layoff(), publisher="dinas")
    await office.hear(a_registration())
    facts = await office.open_facts(await only(office, WorkerRegistered))
    assert facts is not None
    assert sorted(facts.layoff_lists) == ["dinas", "kemnaker"]


async def test_a_list_of_furloughed_is_no_evidence_of_a_layoff(office: Office) -> None:
    await office.hear(a_layoff(employment_status="dirumahkan"))
    await office.hear(a_registration(employment_status="phk"))
    facts = await office.open_facts(await only(office, WorkerRegistered))
    assert facts is not None
    assert facts.layoff_lists == []


async def test_the_same_line_of_a_list_again_is_a_duplicate(office: Office) -> None:
    line = a_layoff()
    await office.hear(line)
    await office.hear(line)
    assert await office.verdicts() == {"evidence": 1, "duplicate": 1}
    assert await office.rows("select count(*) from evidence") == [(1,)]


async def test_evidence_after_the_registration_is_kept_and_changes_nobody(office: Office) -> None:
    await office.hear(a_registration())
    await office.hear(a_layoff())
    assert await office.rows("select state from persons") == [("registered",)]
    assert await office.rows("select count(*) from evidence") == [(1,)]
    assert await office.kinds() == ["WorkerRegistered"]


async def test_an_erased_person_stays_erased(office: Office) -> None:
    await office.hear(a_registration())
    [(person_id,)] = await office.rows("select person_id from persons")
    await office.rows("update persons set state = 'erased' returning 1")
    await office.desk.boxes.keys.erase([person_id])
    await office.hear(a_registration())
    await office.hear(a_layoff())
    assert await office.verdicts() == {"accepted": 1, "erased": 2}


@pytest.mark.parametrize("column", ["identity", "contact", "facts"])
async def test_boxes_rest_sealed(office: Office, column: str) -> None:
    await office.hear(a_registration())
    [(text,)] = await office.rows(f"select {column} from persons")
    assert text.startswith("v1.")


async def test_near_duplicate_tokens_are_written_from_the_start(office: Office) -> None:
    await office.hear(a_registration(kk="3273010908120013"))
    assert await office.rows("select kind, count(*) from near_tokens group by kind order by kind") == [
        ("kk", 1),
        ("name_year", 2),
        ("phone", 1),
    ]


async def test_no_personal_datum_rests_in_any_table(office: Office) -> None:
    await office.hear(
        a_registration(kk="3273010908120013", email="wulan@contoh.id"), a_registration("abc", reference="3273015204890007")
    )
    await office.hear(a_layoff())
    tables = await office.rows("select tablename from pg_tables where schemaname = 'public'")
    for (table,) in tables:
        text = str(await office.rows(f'select t::text from "{table}" t'))
        for datum in ("3273015204890007", "Wulan", "81200417889", "1989-04-12", "wulan@", "3273010908120013", "Sandang"):
            assert datum not in text, table
