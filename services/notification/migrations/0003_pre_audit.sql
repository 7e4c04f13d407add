-- So that an audit finds what is new without reading the rest. Rows come in the order of their time: block ranges cost a write nothing.
create index messages_by_age on messages using brin (created_at, settled_at) with (pages_per_range = 32, autosummarize = on);
create index attempts_by_age on attempts using brin (started_at) with (pages_per_range = 32, autosummarize = on);
create index tasks_by_age on tasks using brin (created_at) with (pages_per_range = 32, autosummarize = on);
