"""From the contract's words to what the rules judge: identifiers are parsed here."""

from __future__ import annotations

from datetime import date

from services.registration.domain.submissions import Claims
from services.registration.identifiers import read_nik, read_reach, read_regency
from shared.contracts.intake import LayoffReported, RegistrationSubmitted


def read_registration(event: RegistrationSubmitted, today: date) -> Claims:
    """Return what a registration claims."""
    return Claims(
        nik=read_nik(event.nik, today),
        name=event.name,
        birth_date=event.birth_date,
        layoff_on=event.layoff_on,
        employer=event.employer,
        regency=read_regency(event.regency),
        employer_kbli=event.employer_kbli,
        plan_kbli=event.business_plan.kbli if event.business_plan else None,
        kk=event.kk,
        reach=read_reach(event.phone, event.email),
    )


def read_layoff(event: LayoffReported, today: date) -> Claims:
    """Return what a line of a layoff list claims."""
    return Claims(
        nik=read_nik(event.nik, today),
        name=event.name,
        birth_date=event.birth_date,
        layoff_on=event.layoff_on,
        employer=event.employer,
        regency=read_regency(event.regency) if event.regency else None,
        employer_kbli=event.employer_kbli,
    )
