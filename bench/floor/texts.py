"""What the worker is told, as a template that jinja2 has compiled."""

from __future__ import annotations

from typing import Any

from jinja2 import Environment, StrictUndefined

_LETTER = Environment(autoescape=False, auto_reload=False, undefined=StrictUndefined).from_string(  # noqa: S701 - an SMS is no page
    "Yth. {{ name }},\n"
    "{% if outcome == 'placed' %}pendaftaran {{ reference }} diterima. Anda mendapat tempat di inkubator nomor {{ incubator }}. "
    "Nilai kelayakan: {{ points }}.\nMohon hadir membawa KTP dan surat PHK dari {{ employer }}.\n"
    "{% elif outcome == 'waitlisted' %}pendaftaran {{ reference }} memenuhi syarat (nilai {{ points }}), tetapi inkubator di "
    "daerah Anda sedang penuh. Anda masuk daftar tunggu.\n"
    "{% else %}mohon maaf, pendaftaran {{ reference }} belum memenuhi syarat:\n"
    "{% for reason in reasons %}- {{ reason }}\n{% endfor %}{% endif %}"
    "Salam,\nDinas Tenaga Kerja {{ province }}\n"
)


def write_letter(placed: dict[str, Any]) -> str:
    """Return the text about a placement."""
    return _LETTER.render(placed)
