-- Who was heard of, what was decided about them, and what a dinas was asked. What people are like rests sealed only.

create table workers (
  worker_id uuid not null,
  ticket_digest bytea not null,
  province text not null,
  facts_version integer not null,
  contact_version integer not null,
  facts text not null,
  contact text not null,
  is_erased boolean not null,
  heard_at timestamptz not null,
  constraint workers_pkey primary key (worker_id),
  constraint workers_ticket unique (ticket_digest)
);

create table decisions (
  decision_id uuid not null,
  worker_id uuid not null,
  facts_version integer not null,
  event_id uuid not null,
  policy text not null,
  policy_digest text not null,
  outcome text not null,
  programme text not null,
  score integer not null,
  rules text[] not null,
  reasons text[] not null,
  facts text not null,
  decided_on date not null,
  decided_at timestamptz not null,
  constraint decisions_pkey primary key (decision_id),
  constraint decisions_once unique (worker_id, facts_version),
  constraint decisions_worker foreign key (worker_id) references workers (worker_id),
  constraint decisions_outcome check (outcome in ('confirmed', 'denied', 'review'))
);

create table reviews (
  review_id uuid not null,
  decision_id uuid not null,
  worker_id uuid not null,
  dinas text not null,
  state text not null,
  opened_at timestamptz not null,
  due_at timestamptz not null,
  decided_at timestamptz,
  person text,
  reason text,
  constraint reviews_pkey primary key (review_id),
  constraint reviews_once unique (decision_id),
  constraint reviews_decision foreign key (decision_id) references decisions (decision_id),
  constraint reviews_state check (state in ('open', 'approved', 'rejected', 'superseded')),
  constraint reviews_closed check ((state = 'open') = (decided_at is null))
);
create index reviews_open on reviews (worker_id) where state = 'open';

-- Every look of a person into opened facts (UU 27/2022 art. 31). Append-only.
create table review_reads (
  id bigint generated always as identity,
  review_id uuid not null,
  person text not null,
  read_at timestamptz not null,
  constraint review_reads_pkey primary key (id)
);
