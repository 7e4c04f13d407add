-- What every service's database holds beside the service's own tables: how far it has read, what waits, what is to be sent.

create table progress (
  consumer text not null,
  topic text not null,
  partition integer not null,
  next_offset bigint not null,
  last_event_id uuid,
  updated_at timestamptz not null default clock_timestamp(),
  constraint progress_pkey primary key (consumer, topic, partition)
) with (fillfactor = 40);

-- The last sequence number a consumer has met per key of a topic of ours.
create table heard (
  consumer text not null,
  topic text not null,
  key text not null,
  sequence bigint not null,
  constraint heard_pkey primary key (consumer, topic, key)
) with (fillfactor = 80);

-- Which (source, id) of the intake a consumer has met.
create table seen (
  consumer text not null,
  id uuid not null,
  seen_at timestamptz not null,
  constraint seen_pkey primary key (consumer, id)
);

-- One row per key that has to wait; nothing of the key passes until the row is gone.
create table gate (
  consumer text not null,
  topic text not null,
  key text not null,
  next_at timestamptz not null,
  attempts integer not null,
  reason text not null,
  is_held boolean not null default false,
  opened_at timestamptz not null,
  constraint gate_pkey primary key (consumer, topic, key)
);
create index gate_due on gate (consumer, next_at) where not is_held;

-- What waits behind a gate, in the order in which it came.
create table parked (
  seq bigint generated always as identity,
  consumer text not null,
  topic text not null,
  key text not null,
  partition integer not null,
  record_offset bigint not null,
  sequence bigint,
  broker_ms bigint not null,
  record bytea not null,
  sealed_under uuid,
  parked_at timestamptz not null,
  constraint parked_pkey primary key (consumer, topic, key, seq),
  constraint parked_once unique (consumer, topic, partition, record_offset)
);

create table dead_letters (
  id uuid not null,
  consumer text not null,
  topic text not null,
  partition integer not null,
  record_offset bigint not null,
  event_id uuid,
  event_type text,
  reason text not null,
  field text not null,
  attempts integer not null,
  broker_ms bigint not null,
  record bytea not null,
  sealed_under uuid,
  dead_at timestamptz not null,
  constraint dead_letters_pkey primary key (id),
  constraint dead_letters_once unique (consumer, topic, partition, record_offset)
);

-- One counter per topic and key: the number of the key's last event.
create table sequences (
  topic text not null,
  key text not null,
  last bigint not null,
  constraint sequences_pkey primary key (topic, key)
) with (fillfactor = 80);

create table outbox (
  id bigint generated always as identity,
  bucket smallint not null,
  topic text not null,
  key text not null,
  event_id uuid not null,
  type text not null,
  time timestamptz not null,
  sequence bigint not null,
  payload bytea not null,
  created_at timestamptz not null default clock_timestamp(),
  constraint outbox_pkey primary key (bucket, id)
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0);

-- Append-only sums per minute: what was said, what was heard and with which outcome, what came in by a door.
create table flow (
  id bigint generated always as identity,
  direction text not null,
  party text not null,
  topic text not null,
  partition integer not null,
  minute timestamptz not null,
  outcome text not null,
  events integer not null,
  hash_sum numeric not null,
  recorded_at timestamptz not null default clock_timestamp(),
  constraint flow_pkey primary key (id),
  constraint flow_direction check (direction in ('said', 'heard', 'door'))
);
