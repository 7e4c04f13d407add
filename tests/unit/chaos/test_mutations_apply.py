from pathlib import Path

import pytest

from tests.chaos.chaos_mutations import PATCHES, copy_source


@pytest.mark.parametrize("mutation", sorted(patch.stem for patch in PATCHES.glob("*.patch")))
def test_each_broken_system_can_still_be_made_of_the_source_as_it_is(mutation: str, tmp_path: Path) -> None:
    variables = copy_source(tmp_path / "source", mutation)

    assert variables["PYTHONPATH"] == str(tmp_path / "source")
