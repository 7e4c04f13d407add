-- So that an audit finds what is new without reading the rest. Rows come in the order of their time: block ranges cost a write nothing.
create index filings_by_age on filings using brin (decided_at) with (pages_per_range = 32, autosummarize = on);
create index warnings_by_age on warnings using brin (issued_at) with (pages_per_range = 32, autosummarize = on);
create index notices_by_age on notices using brin (said_at) with (pages_per_range = 32, autosummarize = on);
