"""What other systems publish to us. Untrusted: shapes are checked here, contents by the hearing service.

A record that does not fit a model is a dead letter; one that fits but holds a wrong value is refused with reasons.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, ClassVar, Literal

from pydantic import ConfigDict, Field

from shared.contracts.envelope import Event

Text = Annotated[str, Field(max_length=200)]
LongText = Annotated[str, Field(max_length=2000)]
Reference = Annotated[str, Field(min_length=1, max_length=100)]
Count = Annotated[int, Field(ge=0, le=10_000_000)]


class IntakeEvent(Event):
    """An event from outside; its key is the publisher's own reference."""

    model_config = ConfigDict(frozen=True, extra="ignore", str_strip_whitespace=True)


class BusinessPlan(IntakeEvent):
    """What the worker would like to start."""

    kbli: Text = Field(description="KBLI 2020 class of the business, five digits as text, leading zero kept.")
    description: LongText = ""


class RegistrationSubmitted(IntakeEvent):
    """A laid-off or furloughed worker asks for support.

    `employment_status` is `phk` (employment ended) or `dirumahkan` (furloughed, employment goes on).
    """

    TYPE: ClassVar[str] = "id.rintis.intake.registration.submitted.v1"
    TOPIC: ClassVar[str] = "intake.registrations"

    reference: Reference = Field(description="The publisher's own id of this registration; also the record's key.")
    nik: Text = Field(description="Population number, 16 digits as text.")
    kk: Text | None = Field(default=None, description="Family card number, 16 digits as text.")
    name: Text
    birth_date: date
    phone: Text | None = None
    email: Text | None = None
    address: Text | None = None
    regency: Text = Field(description="Kemendagri code of the regency or city where the worker lives, such as 32.73.")
    citizenship: Literal["WNI", "WNA"] = "WNI"
    employment_status: Literal["phk", "dirumahkan"]
    layoff_on: date = Field(description="Day on which employment ended or the furlough began.")
    employer: Text
    employer_kbli: Text | None = Field(default=None, description="KBLI 2020 class of the employer, as text.")
    layoff_letter: Text | None = Field(default=None, description="Number of the employer's letter, where there is one.")
    in_formal_education: bool = False
    profession: Text = Field(
        default="", description="Present profession, where it excludes from support: asn, tni, polri and so on."
    )
    other_aid: list[Text] = Field(
        default_factory=list, max_length=20, description="Aid received now: pkh, bpnt, subsidi_upah and so on."
    )
    dependants: Annotated[int, Field(ge=0, le=30)] = 0
    skills: list[Text] = Field(default_factory=list, max_length=30)
    business_plan: BusinessPlan | None = None

    def key(self) -> str:
        """Return the publisher's reference."""
        return self.reference


class LayoffReported(IntakeEvent):
    """An employer or Kemnaker reports that one worker was laid off or furloughed."""

    TYPE: ClassVar[str] = "id.rintis.intake.layoff.reported.v1"
    TOPIC: ClassVar[str] = "intake.layoffs"

    reference: Reference
    nik: Text
    name: Text
    birth_date: date | None = None
    phone: Text | None = None
    employment_status: Literal["phk", "dirumahkan"]
    layoff_on: date
    employer: Text
    employer_kbli: Text | None = None
    regency: Text | None = None

    def key(self) -> str:
        """Return the publisher's reference."""
        return self.reference


class CompanyContact(IntakeEvent):
    """Whom to write to at a company."""

    name: Text
    phone: Text | None = None
    email: Text | None = None


class PermitEvent(IntakeEvent):
    """What SIINas or OSS says about one IOMKI permit."""

    TOPIC: ClassVar[str] = "intake.permits"

    permit_number: Reference

    def key(self) -> str:
        """Return the permit number."""
        return self.permit_number


class PermitIssued(PermitEvent):
    """An IOMKI permit was issued; from now on its holder owes reports."""

    TYPE: ClassVar[str] = "id.rintis.intake.permit.issued.v1"

    company: Text
    nib: Text
    kbli: Text
    is_estate: bool = Field(default=False, description="True for an industrial-estate company.")
    regency: Text
    workers: Count
    contact: CompanyContact
    issued_on: date


class PermitChanged(PermitEvent):
    """Master data of a permit changed; absent fields stay as they were."""

    TYPE: ClassVar[str] = "id.rintis.intake.permit.changed.v1"

    regency: Text | None = None
    workers: Count | None = None
    contact: CompanyContact | None = None


class PermitRevoked(PermitEvent):
    """The issuing system revoked a permit; no report is due any more."""

    TYPE: ClassVar[str] = "id.rintis.intake.permit.revoked.v1"

    revoked_on: date
    reason: LongText = ""


class FilingSubmitted(IntakeEvent):
    """A company files the periodic IOMKI report of one permit."""

    TYPE: ClassVar[str] = "id.rintis.intake.filing.submitted.v1"
    TOPIC: ClassVar[str] = "intake.filings"

    permit_number: Reference
    reference: Reference
    due_on: date = Field(description="The day on which the report is due: it names the period.")
    form: Text = Field(description="Version of the form: 2020-v1 or 2021-v1.")
    employees_total: Count
    employees_on_site: Count
    cases_suspected: Count = 0
    cases_confirmed: Count = 0
    has_screening: bool = Field(description="Temperature and symptoms are checked at entry.")
    has_protocol_sop: bool = Field(description="A written health-protocol procedure exists and is applied.")
    transport: Text = ""
    vaccinated: Count | None = None
    pcr_tests: Count | None = None
    antigen_tests: Count | None = None
    uses_pedulilindungi: bool | None = None
    is_declared_true: bool = Field(default=False, description="The company declares the data true and accepts the sanctions.")

    def key(self) -> str:
        """Return the permit number: filings of one permit are handled in order."""
        return self.permit_number
