-- So that an audit finds what is new without reading the rest. Rows come in the order of their time: block ranges cost a write nothing.
create index workers_by_age on workers using brin (heard_at) with (pages_per_range = 32, autosummarize = on);
create index decisions_by_age on decisions using brin (decided_at) with (pages_per_range = 32, autosummarize = on);
create index reviews_by_age on reviews using brin (decided_at) with (pages_per_range = 32, autosummarize = on);
create index seat_requests_by_age on seat_requests using brin (decided_at, placed_at) with (pages_per_range = 32, autosummarize = on);
create index offers_by_age on offers using brin (offered_at, answered_at) with (pages_per_range = 32, autosummarize = on);
