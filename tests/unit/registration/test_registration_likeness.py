from datetime import date

import pytest

from services.registration.domain.likeness import likenesses, sounds_of


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Soekarno", "Sukarno"),
        ("Djoko Widodo", "Joko Widodo"),
        ("Tjahjo", "Cahyo"),
        ("Muhammad Yusuf", "Muhamad Yusup"),
        ("H. Slamet bin Amat", "Slamet Amat"),
        ("Sitti  Nurhaliza", "siti nurhaliza"),
        ("Sari Wulan", "Wulan Sari"),
    ],
)
def test_spellings_of_one_name_sound_alike(one: str, other: str) -> None:
    assert sounds_of(one) == sounds_of(other)


def test_different_names_sound_different() -> None:
    assert not set(sounds_of("Wulan Sekarningrum")) & set(sounds_of("Budi Hartono"))


def test_letters_of_two_words_are_never_read_as_one_spelling() -> None:
    assert sounds_of("Adinoto Erlangga") == ("adinoto", "erlanga")
    assert sounds_of("Annisaa Amelia") == ("amelia", "anisa")


def test_initials_make_nobody_alike() -> None:
    assert sounds_of("A. B. Li") == ()


def test_likeness_is_by_names_with_birth_year_family_card_and_phone() -> None:
    found = list(likenesses(name="Wulan Sari", birth_date=date(1989, 4, 12), kk="3273010908120013", phone="+6281200417889"))
    assert found == [
        ("name_year", "sari|1989"),
        ("name_year", "wulan|1989"),
        ("kk", "3273010908120013"),
        ("phone", "+6281200417889"),
    ]
