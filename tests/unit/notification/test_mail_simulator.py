from __future__ import annotations

import json
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path
from types import SimpleNamespace

import pytest

from simulators.received import Received
from simulators.smtp.mailbox import Mailbox, read_mail

TEXT = "Yth. Ibu Siti,\r\n\r\nPermohonan Anda dari Café Ibu sedang diperiksa.\r\n"
SUBJECT = "Tanda terima laporan Café dengan nama yang begitu panjang sehingga tidak muat dalam satu baris saja"


def a_mail(*, subject: str = SUBJECT, encoding: str = "quoted-printable") -> EmailMessage:
    mail = EmailMessage(policy=SMTP)
    mail["Message-ID"] = "<8572504f-36ec-48a7-a4cb-09a310b79b8f@sebuah-nama-domain-yang-panjang.contoh.id>"
    mail["Subject"] = subject
    mail.set_content(TEXT, cte=encoding)
    return mail


def a_mailbox(path: Path) -> Mailbox:
    return Mailbox(Received(path))


async def hand_in(mailbox: Mailbox, *recipients: str) -> str:
    envelope = SimpleNamespace(rcpt_tos=list(recipients), content=a_mail().as_bytes())
    return await mailbox.handle_DATA(None, None, envelope)


def lines(path: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.mark.parametrize("encoding", ["quoted-printable", "base64", "8bit"])
@pytest.mark.parametrize("subject", [SUBJECT, "Pendaftaran diterima", "Pendaftaran diterima, dan " * 6])
def test_a_mail_is_read_however_it_was_written(subject: str, encoding: str) -> None:
    mail = read_mail(a_mail(subject=subject, encoding=encoding).as_bytes())
    assert mail["message_id"] == "<8572504f-36ec-48a7-a4cb-09a310b79b8f@sebuah-nama-domain-yang-panjang.contoh.id>"
    assert mail["subject"] == subject.strip()
    assert mail["text"] == TEXT


def test_of_many_parts_the_plain_one_is_read() -> None:
    mail = a_mail()
    mail.add_alternative("<p>Yth.</p>", subtype="html")
    assert read_mail(mail.as_bytes())["text"] == TEXT


def test_what_is_no_mail_is_read_all_the_same() -> None:
    assert read_mail(b"") == {"message_id": "None", "subject": "None", "text": ""}


async def test_a_mail_is_kept_with_those_it_is_for(tmp_path: Path) -> None:
    assert (await hand_in(a_mailbox(tmp_path / "smtp"), "a@contoh.id", "b@contoh.id")).startswith("250")
    (kept,) = lines(tmp_path / "smtp")
    assert (kept["to"], kept["subject"], kept["text"]) == ("a@contoh.id, b@contoh.id", SUBJECT, TEXT)


async def test_a_failure_takes_nothing(tmp_path: Path) -> None:
    mailbox = a_mailbox(tmp_path / "smtp")
    mailbox.behaviour.change({"fail_next": 1})
    assert [(await hand_in(mailbox, "a@contoh.id"))[:3] for _ in range(2)] == ["451", "250"]
    assert len(lines(tmp_path / "smtp")) == 1
