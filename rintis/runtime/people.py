"""Who may call the services of one machine. A real installation has a callers file of its own (later: OpenID Connect)."""

from __future__ import annotations

from collections.abc import Collection

from rintis.runtime.secrets import Person

OPERATOR = "operator"
"""Name of the person whose token the command line uses."""


def local_people(publishers: Collection[str]) -> list[Person]:
    """Return the operator, one nationwide member of staff, and one caller per publisher."""
    return [
        Person(OPERATOR, ("operator", "staff")),
        Person("petugas-pusat", ("staff",)),
        *(Person(publisher, ("publisher",)) for publisher in publishers),
    ]
