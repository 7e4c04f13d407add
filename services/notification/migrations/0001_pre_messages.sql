-- Messages: what is to be told to whom. No text and no address: both exist only while a message is sent.

create table messages (
  id uuid not null,
  seq bigint generated always as identity,
  event_id uuid not null,
  subject_id uuid not null,
  template text not null,
  parameters jsonb not null,
  box text not null,
  sealed text,
  contact_version integer,
  facts_version integer,
  thread text,
  valid_until timestamptz,
  channel text,
  state text not null,
  reason text not null default '',
  attempts integer not null default 0,
  next_at timestamptz not null default clock_timestamp(),
  lease uuid,
  leased_until timestamptz,
  told_at timestamptz not null,
  settled_at timestamptz,
  created_at timestamptz not null default clock_timestamp(),
  constraint messages_pkey primary key (id),
  constraint messages_event_once unique (event_id),
  constraint messages_box check (box in ('contact', 'company')),
  constraint messages_channel check (channel in ('sms', 'email')),
  constraint messages_state check (state in ('due', 'sending', 'sent', 'failed', 'skipped', 'unknown')),
  constraint messages_has_channel check (channel is not null or state = 'skipped'),
  constraint messages_has_lease check ((state = 'sending') = (lease is not null))
) with (fillfactor = 80);
create index messages_due on messages (channel, next_at, seq) where state = 'due';
create index messages_leased on messages (leased_until) where state = 'sending';
create index messages_of_subject on messages (subject_id, seq);
create index messages_by_state on messages (channel, state);

-- One row per try; `answer` is empty while it runs or when its sender vanished.
create table attempts (
  message_id uuid not null,
  number integer not null,
  channel text not null,
  started_at timestamptz not null default clock_timestamp(),
  ended_at timestamptz,
  answer text,
  reason text not null default '',
  constraint attempts_pkey primary key (message_id, number),
  constraint attempts_message foreign key (message_id) references messages (id)
) with (fillfactor = 80);
