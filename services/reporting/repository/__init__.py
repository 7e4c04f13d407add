"""The only SQL of the service, by what it is about: permits, filings, ledger, notices, doors, views."""
