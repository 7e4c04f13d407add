-- Where somebody decided that a position that went back is the truth from now on, and why.
-- `accepted` is what was found and taken for void: what Kafka had noted, or the position that the log no longer holds.
create table position_decisions (
  id bigint generated always as identity,
  consumer text not null,
  topic text not null,
  partition integer not null,
  fault text not null,
  accepted bigint not null,
  next_offset bigint not null,
  decided_by text not null,
  reason text not null,
  decided_at timestamptz not null,
  constraint position_decisions_pkey primary key (id),
  constraint position_decisions_fault check (fault in ('PositionLost', 'DatabaseRestored'))
);
create index position_decisions_of on position_decisions (consumer, topic, partition);
