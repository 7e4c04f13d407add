-- What is old can be forgotten without reading the rest. Rows come in the order of their time: each is written at the index' end.
create index seen_by_age on seen (seen_at);
