-- Persons, what they submitted, what is known from layoff lists. What names somebody rests in sealed boxes only.

create table persons (
  person_id uuid not null,
  state text not null,
  claimed_at timestamptz not null,
  registered_at timestamptz,
  province text,
  ticket text,
  access_code_hash text,
  identity text,
  contact text,
  facts text,
  facts_version integer not null default 0,
  contact_version integer not null default 0,
  repeat_told_at timestamptz,
  constraint persons_pkey primary key (person_id),
  constraint persons_ticket_once unique (ticket),
  constraint persons_state check (state in ('claimed', 'preregistered', 'registered', 'erased')),
  constraint persons_registered_whole check (
    state <> 'registered'
    or (registered_at is not null and province is not null and ticket is not null and access_code_hash is not null
        and identity is not null and contact is not null and facts is not null and facts_version > 0 and contact_version > 0)
  ),
  constraint persons_preregistered_whole check (state <> 'preregistered' or identity is not null)
) with (fillfactor = 70);

-- Blind index of the NIK: one row per key version while a rotation runs. The primary key is what makes one NIK one person.
create table nik_tokens (
  version smallint not null,
  token bytea not null,
  person_id uuid not null,
  constraint nik_tokens_pkey primary key (version, token),
  constraint nik_tokens_person foreign key (person_id) references persons (person_id)
);
create index nik_tokens_of_person on nik_tokens (person_id);

-- Keyed digests by which people who may be the same find each other: name and birth year, family card, phone.
create table near_tokens (
  kind text not null,
  version smallint not null,
  token bytea not null,
  person_id uuid not null,
  constraint near_tokens_pkey primary key (kind, version, token, person_id),
  constraint near_tokens_person foreign key (person_id) references persons (person_id),
  constraint near_tokens_kind check (kind in ('name_year', 'kk', 'phone'))
);
create index near_tokens_of_person on near_tokens (person_id);

-- Everything that came in, once per (source, id). The row is claimed first and gets its verdict in the same transaction.
create table submissions (
  submission_id uuid not null,
  cause uuid not null,
  kind text not null,
  door text not null,
  publisher text not null,
  reference_id uuid not null,
  arrived_at timestamptz not null,
  verdict text,
  reasons jsonb not null default '[]',
  warnings jsonb not null default '[]',
  person_id uuid,
  refusal_id uuid,
  decided_at timestamptz,
  constraint submissions_pkey primary key (submission_id),
  constraint submissions_person foreign key (person_id) references persons (person_id),
  constraint submissions_kind check (kind in ('registration', 'layoff')),
  constraint submissions_door check (door in ('kafka', 'http', 'file')),
  constraint submissions_verdict check (
    verdict in ('accepted', 'duplicate', 'refused', 'evidence', 'erased')
  ),
  constraint submissions_refused_why check (verdict <> 'refused' or jsonb_array_length(reasons) > 0)
) with (fillfactor = 70);
create index submissions_refused on submissions (decided_at) where verdict = 'refused';
create index submissions_of_person on submissions (person_id) where person_id is not null;
create index submissions_of_reference on submissions (reference_id, arrived_at);
create index submissions_by_count on submissions (kind, door, verdict);

-- The one accepted registration of a person.
create table registrations (
  person_id uuid not null,
  submission_id uuid not null,
  publisher text not null,
  reference_id uuid not null,
  registered_at timestamptz not null,
  event_id uuid not null,
  constraint registrations_pkey primary key (person_id),
  constraint registrations_person foreign key (person_id) references persons (person_id),
  constraint registrations_submission foreign key (submission_id) references submissions (submission_id),
  constraint registrations_submission_once unique (submission_id),
  constraint registrations_reference_once unique (reference_id)
);

-- Lines of layoff lists. Who reported is in clear; employer, day and status are sealed under the person's identity box.
create table evidence (
  evidence_id uuid not null,
  person_id uuid not null,
  submission_id uuid not null,
  publisher text not null,
  reference_id uuid not null,
  content text not null,
  arrived_at timestamptz not null,
  constraint evidence_pkey primary key (evidence_id),
  constraint evidence_person foreign key (person_id) references persons (person_id),
  constraint evidence_submission foreign key (submission_id) references submissions (submission_id),
  constraint evidence_once unique (person_id, reference_id)
);

-- What a worker is told who asks: the last decision, placement and message that were heard.
create table statuses (
  worker_id uuid not null,
  decision text,
  decision_programme text,
  decision_reasons text[] not null default '{}',
  decided_at timestamptz,
  placement text,
  placement_name text,
  placement_until timestamptz,
  placement_position integer,
  placed_at timestamptz,
  message text,
  message_channel text,
  message_at timestamptz,
  constraint statuses_pkey primary key (worker_id)
) with (fillfactor = 70);

-- Answers given to calls with an Idempotency-Key. No answer holds a personal datum.
create table calls (
  caller text not null,
  key_digest bytea not null,
  body_digest bytea not null,
  answer jsonb not null,
  answered_at timestamptz not null,
  constraint calls_pkey primary key (caller, key_digest)
);
create index calls_by_age on calls (answered_at);
