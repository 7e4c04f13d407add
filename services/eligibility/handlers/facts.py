"""Opened facts, in sets. What is opened lives no longer than the batch."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from pydantic import ValidationError

from services.eligibility.domain import Applicant
from shared.contracts.boxes import Facts
from shared.errors import Unprocessable
from shared.security import Boxes


async def open_facts(boxes: Boxes, items: Sequence[tuple[UUID, str]]) -> list[Facts | None]:
    """Open boxes with one look-up of keys, in order; None where the person was erased.

    Raises Unprocessable for content that does not fit its model: the model's own error would quote it.
    """
    try:
        return await boxes.open(items, "facts", Facts)
    except ValidationError:
        raise Unprocessable("schema_facts", "facts") from None


def applicant_of(facts: Facts) -> Applicant:
    """Return a person as the rules see them; the province is that of the regency they live in."""
    return Applicant(
        birth_date=facts.birth_date,
        citizenship=facts.citizenship,
        province=facts.regency[:2],
        regency=facts.regency,
        employment_status=facts.employment_status,
        layoff_on=facts.layoff_on,
        employer_kbli=facts.employer_kbli,
        has_layoff_letter=facts.has_layoff_letter,
        layoff_lists=tuple(facts.layoff_lists),
        in_formal_education=facts.in_formal_education,
        profession=facts.profession,
        other_aid=tuple(facts.other_aid),
        dependants=facts.dependants,
        skills=tuple(facts.skills),
        plan_kbli=facts.plan_kbli,
        has_plan=facts.has_plan,
    )
