import subprocess
import sys
from datetime import date

import pytest

from rintis.runtime.state import ROOT
from services.registration.identifiers import read_email, read_nik, read_phone, read_reach, read_regency

TODAY = date(2020, 5, 11)


def test_a_womans_day_of_birth_is_read_without_its_forty() -> None:
    assert read_nik("3273015204890007", TODAY).born == (12, 4, 89)


def test_a_mans_day_of_birth_is_read_as_it_is() -> None:
    assert read_nik("3273011204890007", TODAY).born == (12, 4, 89)


@pytest.mark.parametrize("province", ["65", "91", "92", "93", "94", "95", "96"])
def test_kaltara_and_all_of_papua_are_provinces(province: str) -> None:
    assert read_nik(f"{province}01011204890007", TODAY).faults == ()


@pytest.mark.parametrize(
    ("text", "faults"),
    [
        ("", ("NIK_FORMAT",)),
        ("ABCDEFGHIJKLMNOP", ("NIK_FORMAT",)),
        ("327301520489000", ("NIK_FORMAT",)),
        ("32730152048900071", ("NIK_FORMAT",)),
        ("\uff13273015204890007", ("NIK_FORMAT",)),
        ("0073015204890007", ("NIK_PROVINCE",)),
        ("9773015204890007", ("NIK_PROVINCE",)),
        ("3200015204890007", ("NIK_REGION",)),
        ("3273003204890007", ("NIK_REGION", "NIK_BIRTH_DATE")),
        ("3273018104890007", ("NIK_BIRTH_DATE",)),
        ("3273013104320007", ("NIK_BIRTH_DATE",)),
        ("3273010013890007", ("NIK_BIRTH_DATE",)),
        ("3273015204890000", ("NIK_SERIAL",)),
    ],
)
def test_what_cannot_be_a_nik_has_its_faults(text: str, faults: tuple[str, ...]) -> None:
    assert read_nik(text, TODAY).faults == faults


def test_separators_in_a_nik_are_dropped() -> None:
    assert read_nik(" 327301.520489-0007 ", TODAY).number == "3273015204890007"


@pytest.mark.parametrize("text", ["081200417889", "+62 812-0041-7889", "6281200417889", "81200417889"])
def test_a_mobile_number_is_kept_as_e164(text: str) -> None:
    assert read_phone(text) == "+6281200417889"


@pytest.mark.parametrize("text", [None, "", "0215551234", "0812", "telepon", "+14155552671", "08" + "1" * 30])
def test_what_an_sms_cannot_reach_is_no_phone(text: str | None) -> None:
    assert read_phone(text) is None


@pytest.mark.parametrize(
    "text", ["wulan", "wulan@", "@contoh.id", "a b@contoh.id", "a@contoh", "a@contoh.id\nBcc: x@y.id", "a@-x.id"]
)
def test_what_has_not_the_form_of_an_address_is_no_email(text: str) -> None:
    assert read_email(text) is None


def test_an_address_is_kept_as_it_is() -> None:
    assert read_email("Wulan.S+kerja@mail.contoh.co.id") == "Wulan.S+kerja@mail.contoh.co.id"


def test_reach_tells_absent_from_useless() -> None:
    reach = read_reach("0215551234", None)
    assert (reach.is_phone_given, reach.phone, reach.is_email_given, reach.is_usable) == (True, None, False, False)


@pytest.mark.parametrize("code", ["32.73", "93.01", "96.71", "65.71", "31.71"])
def test_todays_regions_are_known(code: str) -> None:
    regency = read_regency(code)
    assert (regency.fault, regency.is_retired) == (None, False)
    assert regency.province == code[:2]


@pytest.mark.parametrize("code", ["91.01", "92.71"])
def test_codes_from_before_the_splits_in_papua_are_taken_as_old(code: str) -> None:
    regency = read_regency(code)
    assert (regency.fault, regency.is_retired) == (None, True)


@pytest.mark.parametrize(
    ("code", "fault"),
    [
        ("3273", "REGENCY_FORMAT"),
        ("32.7x", "REGENCY_FORMAT"),
        ("", "REGENCY_FORMAT"),
        ("32.99", "REGENCY_UNKNOWN"),
        ("99.01", "REGENCY_UNKNOWN"),
        ("91.99", "REGENCY_UNKNOWN"),
    ],
)
def test_other_regions_are_unknown(code: str, fault: str) -> None:
    assert read_regency(code).fault == fault


def test_a_start_does_not_prepare_what_is_not_used_of_lokal() -> None:
    program = "import sys, services.registration.app; sys.exit('lokal.samaran' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=False).returncode == 0  # noqa: S603 - our own line
