-- Calls whose publisher does not wait for verdicts: as they came, sealed, until they are worked through.

create table deferred_calls (
  id bigint generated always as identity,
  publisher text not null,
  door text not null,
  kind text not null,
  items integer not null,
  body bytea not null,
  sealed_under uuid not null,
  arrived_at timestamptz not null,
  kept_at timestamptz not null default clock_timestamp(),
  next_at timestamptz not null default clock_timestamp(),
  attempts integer not null default 0,
  reason text not null default '',
  constraint deferred_calls_pkey primary key (id),
  constraint deferred_calls_kind check (kind in ('registration', 'layoff')),
  constraint deferred_calls_door check (door in ('http', 'file')),
  constraint deferred_calls_items check (items > 0)
);
create index deferred_calls_due on deferred_calls (next_at, id);
