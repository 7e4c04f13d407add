"""Registration: who asked for support, what became of each submission, and who is known from layoff lists.

Owns persons, registrations, evidence from layoff lists, and the verdict on everything that came in. Hears registrations and
layoffs from outside (`intake.registrations.*`, `intake.layoffs.*`) by Kafka, HTTP and file, and what others decided
(`eligibility.decisions`, `eligibility.placements`, `notification.messages`) to answer a worker who asks. Says
`registration.workers`, `registration.refusals` and `registration.reviews`.

Words: a *person* is one NIK; a *submission* is one (source, id) as it came, with its *verdict*; a *registration* is the
one accepted submission of a person; *evidence* is one line of a layoff list; somebody *pre-registered* is known from such a
list only. PHK (employment ended) and dirumahkan (furloughed) are different statuses and never merged.
"""
