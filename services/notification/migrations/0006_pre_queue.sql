-- What is still to be sent moves out of `messages` into a small table of its own. A message was written three times, each time into
-- every index; now it is written when it is told and when it is settled, and what a sender does in between touches narrow rows.

-- A set that a sender holds. It has a row of its own: were it part of its messages' rows, each look-out for lost ones would read the queue.
create table leases (
  id uuid not null,
  holder text,
  leased_until timestamptz not null,
  constraint leases_pkey primary key (id)
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0);

-- A row from the intent until the message is settled; with a lease it is being sent. The pages are left half empty: a claim changes no
-- column of an index, so that the new row stays on its page and no index is written.
create table queue (
  subject_id uuid not null,
  seq bigint not null,
  message_id uuid not null,
  lease uuid,
  next_at timestamptz not null default clock_timestamp(),
  taken_at timestamptz,
  attempts integer not null default 0,
  channel text not null,
  reason text not null default '',
  constraint queue_pkey primary key (subject_id, seq),
  constraint queue_channel check (channel in ('sms', 'email')),
  constraint queue_taken check (lease is null or taken_at is not null)
) with (fillfactor = 40, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0);
create index queue_due on queue (channel, next_at, seq);

insert into leases (id, holder, leased_until)
select lease, max(holder), max(leased_until) from messages where state = 'sending' group by lease;

insert into queue (subject_id, seq, message_id, lease, next_at, taken_at, attempts, channel, reason)
select subject_id, seq, id, lease, next_at, case when state = 'sending' then next_at end, attempts, channel, reason
from messages where state in ('due', 'sending')
order by seq;

drop index messages_due, messages_leased, messages_waiting, messages_of_subject;
alter table messages drop constraint messages_state, drop constraint messages_has_lease,
  drop column next_at, drop column lease, drop column leased_until, drop column holder;
update messages set state = 'waiting', reason = '' where state in ('due', 'sending');

-- Half of a page is left for the settled rows of the messages on it: with less they go to other pages, and each index is written again.
alter table messages set (fillfactor = 50),
  add constraint messages_state check (state in ('waiting', 'sent', 'failed', 'skipped', 'unknown')),
  add constraint messages_settled check ((state = 'waiting') = (settled_at is null));

-- By what a message can be superseded: facts that were changed, of few people. First facts supersede nothing.
create index messages_on_newer_facts on messages (subject_id, thread, facts_version) where facts_version > 1;
