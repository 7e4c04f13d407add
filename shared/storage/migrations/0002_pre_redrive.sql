-- Dead letters that an operator puts right: what is needed to try one again in its place, what was done about it, and by whom.

-- The last number whose event had an effect: what an older event of the key may not overwrite.
alter table heard add column applied bigint;

-- `key` and `sequence` are of our own topics: an intake record's key rests in the sealed record only.
-- `counted_at` is the minute under which the flow ledger counted it; `is_marked`, that its mark in `seen` is its own.
-- `action` is the operator action that it belongs to at the moment.
alter table dead_letters
  add column key text,
  add column sequence bigint,
  add column counted_at timestamptz,
  add column is_marked boolean not null default false,
  add column state text not null default 'open',
  add column action uuid,
  add column closed_at timestamptz,
  add constraint dead_letters_state check (state in ('open', 'redriving', 'fixed', 'superseded', 'waived')),
  add constraint dead_letters_closed check ((closed_at is null) = (state in ('open', 'redriving')));
create index dead_letters_open on dead_letters (consumer, dead_at) where closed_at is null;

-- Set for a record that comes from among the dead letters.
alter table parked add column letter uuid;

alter table gate
  add column id uuid not null default gen_random_uuid(),
  add column action uuid,
  add constraint gate_id unique (id);

-- What an operator asked for. What concerns many letters, or shows a person's data, waits for a second person.
create table operator_actions (
  id uuid not null,
  kind text not null,
  filter jsonb not null,
  why text not null,
  entries integer not null,
  per_second integer not null,
  asked_by text not null,
  asked_at timestamptz not null,
  needs_approval boolean not null,
  approved_by text,
  approved_at timestamptz,
  state text not null,
  next_at timestamptz not null,
  ended_at timestamptz,
  ended_by text,
  ended_because text,
  constraint operator_actions_pkey primary key (id),
  constraint operator_actions_kind check (kind in ('redrive', 'waive', 'read')),
  constraint operator_actions_state check (state in ('waiting', 'running', 'done', 'cancelled', 'stopped')),
  constraint operator_actions_two_people check (approved_by <> asked_by),
  constraint operator_actions_approved check (not needs_approval or approved_by is not null or state in ('waiting', 'cancelled'))
);
create index operator_actions_due on operator_actions (next_at) where state in ('waiting', 'running');

-- What became of each entry of an action: a dead letter, or a key that waits for an operator.
create table operator_outcomes (
  action uuid not null,
  entry uuid not null,
  ordinal integer not null,
  is_gate boolean not null,
  consumer text not null,
  topic text not null,
  begun_at timestamptz,
  outcome text,
  reason text,
  ended_at timestamptz,
  constraint operator_outcomes_pkey primary key (action, entry),
  constraint operator_outcomes_outcome check (outcome in ('fixed', 'failed', 'superseded', 'waived', 'cancelled', 'read'))
);
create index operator_outcomes_next on operator_outcomes (action, ordinal) where begun_at is null;
create index operator_outcomes_of on operator_outcomes (entry);

-- A consumer of one process that stopped reading a topic because too much of it was set aside; `seen_at` says that it still stands.
create table consumer_stops (
  id uuid not null,
  consumer text not null,
  topic text not null,
  instance text not null,
  reason text not null,
  records integer not null,
  set_aside integer not null,
  stopped_at timestamptz not null,
  seen_at timestamptz not null,
  resumed_at timestamptz,
  resumed_by text,
  is_forced boolean not null default false,
  why text,
  constraint consumer_stops_pkey primary key (id)
);
create index consumer_stops_standing on consumer_stops (seen_at) where resumed_at is null;
