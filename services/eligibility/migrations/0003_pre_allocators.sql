-- The processes that place people now; each says every second that it is there, in real time.
create table allocators (
  member text not null,
  seen_at timestamptz not null,
  constraint allocators_pkey primary key (member)
);
