"""Made-up registrations and companies: repeatable, believable, and spoilt as planned."""

from collections import Counter
from datetime import UTC, date, datetime

import pytest
from lokal.nik import parse_nik
from lokal.phone import parse_phone

from rintis.demo import companies
from rintis.demo.population import Population, generate
from shared.contracts.intake import FilingSubmitted, LayoffReported, PermitIssued, RegistrationSubmitted

COUNT = 1000


@pytest.fixture(scope="module")
def population() -> Population:
    return generate(COUNT, seed=7)


def test_the_same_seed_gives_the_same_people(population: Population) -> None:
    assert generate(COUNT, seed=7) == population
    assert generate(COUNT, seed=8) != population


def test_there_are_as_many_registrations_as_asked_for_with_bad_and_repeated_ones(population: Population) -> None:
    assert len(population.registrations) == COUNT
    assert len(population.repeats) == 30
    assert sum(bool(registration.refusals) for registration in population.first) == 20
    assert {registration.door for registration in population.first} == {"kafka", "http", "file"}


def test_every_record_fits_its_contract(population: Population) -> None:
    read = [RegistrationSubmitted.model_validate(registration.data) for registration in population.registrations]
    lines = [LayoffReported.model_validate(line) for line in population.layoffs]
    assert (len(read), len(lines)) == (COUNT, len(population.layoffs))


def test_numbers_of_good_people_have_valid_structure_and_are_unique(population: Population) -> None:
    good = [registration.data for registration in population.first if not registration.refusals]
    assert all(parse_nik(data["nik"], reference_date=date(2020, 5, 11)).valid for data in good)
    assert len({data["nik"] for data in good}) == len(good)
    phones = [data["phone"] for data in good if "phone" in data]
    assert all(parse_phone(phone).type == "mobile" for phone in phones)
    assert len(set(phones)) == len(phones)


def test_repeats_name_a_person_who_is_there_once_and_under_a_new_reference(population: Population) -> None:
    by_reference = {registration.reference: registration for registration in population.first}
    originals = [by_reference[repeat.duplicate_of or ""] for repeat in population.repeats]
    assert [repeat.data["nik"] for repeat in population.repeats] == [original.data["nik"] for original in originals]
    assert len({original.reference for original in originals}) == len(originals)
    assert len({registration.reference for registration in population.registrations}) == COUNT


def test_some_people_have_no_phone_and_some_no_way_to_be_reached(population: Population) -> None:
    ways = Counter(("phone" in item.data, "email" in item.data) for item in population.first)
    assert all(ways[way] for way in ((True, False), (True, True), (False, True), (False, False)))


def test_companies_report_in_time_late_wrong_or_not_at_all() -> None:
    permits = companies.generate(300, seed=7)
    assert companies.generate(300, seed=7) == permits
    filings = [filing for permit in permits for filing in permit.filings]
    assert any(filing.is_late for filing in filings)
    assert any(filing.errors for filing in filings)
    assert any(len(permit.filings) < len(companies.DUE_DAYS) for permit in permits)
    for permit in permits:
        PermitIssued.model_validate(permit.data)
        for filing in permit.filings:
            FilingSubmitted.model_validate(filing.data)


def test_no_report_is_sent_before_its_period_or_so_near_the_deadline_that_a_slow_machine_makes_it_late() -> None:
    for permit in companies.generate(300, seed=3):
        for filing in permit.filings:
            end = companies.deadline(date.fromisoformat(filing.data["due_on"]))
            distance = (end - filing.send_at).total_seconds() / 3600
            assert distance <= -3 or 18 <= distance <= 84


def test_the_deadline_is_midnight_in_western_indonesia() -> None:
    assert companies.deadline(date(2020, 5, 15)) == datetime(2020, 5, 15, 17, tzinfo=UTC)
