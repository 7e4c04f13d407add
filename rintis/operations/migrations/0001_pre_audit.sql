-- What earlier audits have proven, so that the next one looks only at what is open or was touched since.

-- Per service: the last fold of its ledger that was looked at, and up to when its tables were found to agree.
create table marks (
  service text not null,
  fold bigint not null default 0,
  agreed_until timestamptz,
  agreed_rows jsonb,
  whole_at timestamptz,
  constraint marks_pkey primary key (service)
);

-- Minutes of an edge: closed ones with the sums that were equal on both sides, and those still open.
create table minutes (
  edge text not null,
  minute timestamptz not null,
  is_closed boolean not null,
  events bigint not null,
  hash_sum numeric not null,
  seen_at timestamptz not null default clock_timestamp(),
  constraint minutes_pkey primary key (edge, minute)
) with (fillfactor = 80);
create index minutes_open on minutes (edge) where not is_closed;

-- Offsets below a partition's position that held no record for us, proven once by reading: markers, deletions before the first read.
create table holes (
  edge text not null,
  topic text not null,
  partition integer not null,
  offsets bigint not null,
  constraint holes_pkey primary key (edge, topic, partition)
);

-- The last audits, for whoever wants to know what was known when.
create table audits (
  id bigint generated always as identity,
  at timestamptz not null default clock_timestamp(),
  verdict jsonb not null,
  constraint audits_pkey primary key (id)
);
