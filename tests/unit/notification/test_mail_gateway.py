from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from uuid import UUID

import pytest

from services.notification.gateways.letters import Letter
from services.notification.gateways.mail import EmailGateway, MailServer

ID = UUID("01970000-0000-7000-8000-000000000001")
GATEWAY = EmailGateway(MailServer("127.0.0.1", 25, "tidak-dibalas@rintis.invalid"), seconds=1.0, connections=1)


def read(letter: Letter) -> EmailMessage:
    """Return an e-mail as its receiver's program reads it."""
    content = GATEWAY._compose(letter)
    assert b"\n" not in content.replace(b"\r\n", b"")
    message = message_from_bytes(content, policy=default)
    assert isinstance(message, EmailMessage)
    return message


@pytest.mark.parametrize("text", ["Pendaftaran Anda kami terima", "Pendaftaran “Anda” é diterima " * 5])
def test_what_is_written_is_what_its_receiver_reads(text: str) -> None:
    body = f"Yth. Siti,\n\n{text}\n.\nTerima kasih.\n"
    message = read(Letter(ID, "siti@contoh.id", body, text.strip()))
    assert (message["From"], message["To"]) == ("tidak-dibalas@rintis.invalid", "siti@contoh.id")
    assert message["Subject"] == text.strip()
    assert message["Message-ID"] == f"<{ID}@rintis.invalid>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message.get_content().replace("\r\n", "\n") == body


@pytest.mark.parametrize(
    "letter", [Letter(ID, "a@contoh.id\r\nBcc: b@contoh.id", "x", "x"), Letter(ID, "a@contoh.id", "x", "x\nBcc: b")]
)
def test_no_value_writes_headers_of_its_own(letter: Letter) -> None:
    with pytest.raises(ValueError, match="line break"):
        GATEWAY._compose(letter)
