"""SQL kept as SQL: named, described blocks in `.sql` files."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType

_HEADER = re.compile(r"^-- (\w+) --$", re.MULTILINE)

Queries = Mapping[str, str]


@cache
def load_queries(package: str, name: str = "queries.sql") -> Queries:
    """Return the statements of a package's SQL file by block name.

    A block starts with a line `-- verb_noun --`. Raises ValueError for two blocks of one name.
    """
    parts = _HEADER.split(files(package).joinpath(name).read_text("utf-8"))
    names, bodies = parts[1::2], parts[2::2]
    if len(set(names)) != len(names):
        raise ValueError(f"two blocks of one name in {package}/{name}")
    return MappingProxyType({block: body.strip() for block, body in zip(names, bodies, strict=True)})
