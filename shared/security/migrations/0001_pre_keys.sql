-- A key store: one wrapped key per subject and box, and what is left of erased subjects.

create table keys (
  subject uuid not null,
  box text not null,
  wrapped bytea not null,
  expires_at timestamptz,
  created_at timestamptz not null default clock_timestamp(),
  constraint keys_pkey primary key (subject, box)
);
create index keys_expiring on keys (expires_at) where expires_at is not null;

create table tombstones (
  subject uuid not null,
  erased_at timestamptz not null default clock_timestamp(),
  constraint tombstones_pkey primary key (subject)
);
