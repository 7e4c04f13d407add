"""IOMKI supervision: who holds a permit, which reports are owed, and what became of each.

Owns permits, the duty calendar, the ledger of expected reports, the reports and the warnings. Hears permits and filings from
outside (`intake.permits.*`, `intake.filings.*`) and what became of its messages (`notification.notices`). Says
`reporting.filings` and `reporting.sanctions`. It never sees a worker's data.

Words: a *permit* (IOMKI) is the unit of reporting; a *due day* closes a *period*; a *filing* is a report as it came;
*returned* has errors to mend; a *miss* is a period whose deadline passed without a report that counts; a *warning* is the
first step of the ministry's ladder.
"""
