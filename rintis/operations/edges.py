"""Every way an event goes: from who says it to who hears it."""

from __future__ import annotations

from dataclasses import dataclass

from shared.contracts.topics import INTAKE, OWN, Topic, reader_of

WORDS = {
    "registration.registrations": "Pendaftaran masuk",
    "registration.layoffs": "Daftar PHK masuk",
    "registration.decisions": "Status pemohon: keputusan",
    "registration.placements": "Status pemohon: penempatan",
    "registration.messages": "Status pemohon: pesan",
    "eligibility.workers": "Penilaian kelayakan",
    "eligibility.tasks": "Hasil telaah dinas",
    "notification.workers": "Pesan: tiket pendaftaran",
    "notification.refusals": "Pesan: pendaftaran ditolak",
    "notification.reviews": "Pesan: pendaftaran ganda",
    "notification.decisions": "Pesan dan tugas: keputusan",
    "notification.placements": "Pesan: penempatan",
    "notification.filings": "Pesan: laporan IOMKI",
    "notification.sanctions": "Pesan: peringatan IOMKI",
    "reporting.permits": "Izin IOMKI masuk",
    "reporting.filings": "Laporan IOMKI masuk",
    "reporting.notices": "Status perusahaan: pesan",
}
"""What each queue is called where people look at it."""


@dataclass(frozen=True, slots=True)
class Edge:
    """One hearing of one topic."""

    topic: Topic
    hearer: str

    @property
    def group(self) -> str:
        """Return the consumer's name, in the database and for operators."""
        return f"{self.hearer}.{self.topic.name.rsplit('.', 1)[-1]}"

    @property
    def reader(self) -> str:
        """Return the name of its group in Kafka."""
        return reader_of(self.hearer, self.topic)

    @property
    def name(self) -> str:
        """Return the way from topic to consumer."""
        return f"{self.topic.name} -> {self.group}"

    @property
    def pattern(self) -> str:
        """Return the regular expression of the edge's topics."""
        return self.topic.pattern if self.topic.is_intake else f"^{self.topic.name.replace('.', '[.]')}$"

    @property
    def words(self) -> str:
        """Return the queue's name for people."""
        return WORDS[self.group]


INTAKE_EDGES = tuple(Edge(topic, hearer) for topic in INTAKE for hearer in topic.hearers)
OWN_EDGES = tuple(Edge(topic, hearer) for topic in OWN for hearer in topic.hearers)
EDGES = INTAKE_EDGES + OWN_EDGES


def find_edge(text: str) -> Edge | None:
    """Return the edge that a person names: by its consumer, or as topic and consumer."""
    group = text.rsplit("->", maxsplit=1)[-1].strip()
    return next((edge for edge in EDGES if edge.group == group), None)
