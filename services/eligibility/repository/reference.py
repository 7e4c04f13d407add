"""Reference data as tables, loaded at each start; loading the same again changes nothing."""

from __future__ import annotations

from services.eligibility.domain import Reference
from shared.storage import Tx, load_queries

SQL = load_queries("services.eligibility")


async def save_reference(tx: Tx, reference: Reference) -> None:
    """Load provinces, incubators and training centres. Seats that are held stay held."""
    provinces, incubators, centres = reference.provinces, reference.incubators, reference.centres
    await tx.execute(SQL["save_provinces"], [p["code"] for p in provinces], [p["name"] for p in provinces])
    await tx.execute(
        SQL["save_incubators"],
        [i["code"] for i in incubators],
        [i["name"] for i in incubators],
        [i["province"] for i in incubators],
        [i["regency"] for i in incubators],
        [",".join(i["sectors"]) for i in incubators],
        [i["seats"] for i in incubators],
        [i["intake"] for i in incubators],
        [i["is_assumption"] for i in incubators],
    )
    await tx.execute(
        SQL["save_training_centres"],
        [c["code"] for c in centres],
        [c["name"] for c in centres],
        [c["places"] for c in centres],
        [",".join(c["provinces"]) for c in centres],
        [",".join(c["sectors"]) for c in centres],
        [c["is_assumption"] for c in centres],
    )
