"""Who may call the services of one machine. A real installation has a callers file of its own (later: OpenID Connect)."""

from __future__ import annotations

from collections.abc import Collection

from rintis.runtime.secrets import Person

OPERATOR = "operator"
"""Name of the person whose token the command line uses."""
SECOND_OPERATOR = "operator-kedua"
"""Who approves on this machine what the first operator may not do alone."""

PROVINCES = (
    *("11", "12", "13", "14", "15", "16", "17", "18", "19", "21"),
    *("31", "32", "33", "34", "35", "36", "51", "52", "53"),
    *("61", "62", "63", "64", "65", "71", "72", "73", "74", "75", "76", "81", "82"),
    *("91", "92", "93", "94", "95", "96"),
)
"""Kemendagri's codes of the 38 provinces; a code covers the regencies below it."""
DESKS = ("a", "b")
"""Two members of staff for each province (our assumption), so that routing by load can be seen."""


def local_people(publishers: Collection[str]) -> list[Person]:
    """Return the operator, staff of the ministry and of each province's dinas, and one caller per publisher."""
    dinas = [Person(f"petugas-{province}-{desk}", ("staff",), (province,)) for province in PROVINCES for desk in DESKS]
    return [
        Person(OPERATOR, ("operator",)),
        Person(SECOND_OPERATOR, ("operator",)),
        Person("petugas-pusat", ("staff",)),
        *dinas,
        *(Person(publisher, ("publisher",)) for publisher in publishers),
    ]
