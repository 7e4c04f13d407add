"""Rules of eligibility and placement: values in, decisions out."""

from services.eligibility.domain.decisions import Judgement, Match, Outcome, judge
from services.eligibility.domain.people import Applicant, Professions, sector_of, view_for_rules
from services.eligibility.domain.placements import Incubator, NoFit, Offered, Placed, Waitlisted, Wish, place
from services.eligibility.domain.routes import Catalog, Centre, Reference, Referral, ReferralProgramme, refer, route
from services.eligibility.domain.shares import share_of

__all__ = [
    "Applicant",
    "Catalog",
    "Centre",
    "Incubator",
    "Judgement",
    "Match",
    "NoFit",
    "Offered",
    "Outcome",
    "Placed",
    "Professions",
    "Reference",
    "Referral",
    "ReferralProgramme",
    "Waitlisted",
    "Wish",
    "judge",
    "place",
    "refer",
    "route",
    "sector_of",
    "share_of",
    "view_for_rules",
]
