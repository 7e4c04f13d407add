"""Which programme fits a person who is eligible."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal, TypeAlias

from services.eligibility.domain.people import Applicant, sector_of

Programme: TypeAlias = Literal["wub", "diklat_3in1", "rujukan"]

NO_PLAN = "no_plan"
NO_INCUBATOR_SECTOR = "no_incubator_sector"
NO_INCUBATOR_IN_PROVINCE = "no_incubator_in_province"


@dataclass(frozen=True, slots=True)
class Centre:
    """A training centre (BDI) with the provinces it serves and the sectors it trains for."""

    code: str
    name: str
    provinces: frozenset[str]
    sectors: frozenset[str]


@dataclass(frozen=True, slots=True)
class ReferralProgramme:
    """Somebody else's programme that people can be pointed to from a day on."""

    code: str
    name: str
    valid_from: date
    needs_plan: bool


@dataclass(frozen=True, slots=True)
class Catalog:
    """Where people can go. `sectors` maps KBLI divisions to sectors; `incubated` are sectors that any incubator takes."""

    sectors: Mapping[str, str]
    incubated: frozenset[str]
    centres: tuple[Centre, ...]
    referrals: tuple[ReferralProgramme, ...]


@dataclass(frozen=True, slots=True)
class Reference:
    """Places people can go to, as rows for the tables and as the catalog that routes by it."""

    provinces: Sequence[Mapping[str, Any]]
    incubators: Sequence[Mapping[str, Any]]
    centres: Sequence[Mapping[str, Any]]
    catalog: Catalog

    @property
    def seats(self) -> dict[str, int]:
        """Return how many seats each province has, with none where it has no incubator."""
        seats = {str(province["code"]): 0 for province in self.provinces}
        for incubator in self.incubators:
            seats[incubator["province"]] += incubator["seats"]
        return seats


@dataclass(frozen=True, slots=True)
class Referral:
    """Where somebody is sent whom no incubator fits, and why."""

    programme: Programme
    code: str
    name: str
    reasons: tuple[str, ...]


def route(applicant: Applicant, catalog: Catalog, on: date) -> str | Referral:
    """Return the sector of the incubator to ask for a seat, or where to go instead."""
    if not applicant.has_plan:
        return refer(applicant, catalog, on, NO_PLAN)
    sector = sector_of(applicant.plan_kbli, catalog.sectors)
    if sector is None or sector not in catalog.incubated:
        return refer(applicant, catalog, on, NO_INCUBATOR_SECTOR)
    return sector


def refer(applicant: Applicant, catalog: Catalog, on: date, reason: str) -> Referral:
    """Return the centre that serves the province, one of the person's own sector first; else another's programme."""
    near = [centre for centre in catalog.centres if applicant.province in centre.provinces]
    if near:
        own = {sector_of(kbli, catalog.sectors) for kbli in (applicant.plan_kbli, applicant.employer_kbli)} - {None}
        best = min(near, key=lambda centre: (not own & centre.sectors, centre.code))
        return Referral("diklat_3in1", best.code, best.name, (reason,))
    fitting = [programme for programme in catalog.referrals if applicant.has_plan or not programme.needs_plan]
    # Before the first programme opens, people are pointed to the one that opens first.
    programme = next((p for p in fitting if p.valid_from <= on), min(fitting, key=lambda p: p.valid_from))
    return Referral("rujukan", programme.code, programme.name, (reason,))
