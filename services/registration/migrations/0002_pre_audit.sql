-- So that an audit finds what is new without reading the rest. Rows come in the order of their time: block ranges cost a write nothing.
create index registrations_by_age on registrations using brin (registered_at) with (pages_per_range = 32, autosummarize = on);
create index persons_by_age on persons using brin (claimed_at, registered_at) with (pages_per_range = 32, autosummarize = on);
create index submissions_by_age on submissions using brin (decided_at) with (pages_per_range = 32, autosummarize = on);
