-- find_latest --
-- The newest time of a row, looked for from a time on.
select greatest(
  (select max(created_at) from messages where created_at >= $1),
  (select max(started_at) from attempts where started_at >= $1),
  (select max(created_at) from tasks where created_at >= $1)
);

-- count_settled --
-- How many rows of each kind there are, and are older than a time and than a later one: these stay, so another number at the next look tells that some
-- were taken away or put in later. Whole tables are counted once, by an index; what is newer, by its block ranges.
select 'messages' as name, n - newer as settled, n - newest as settles
from (select count(*) as n from messages) as all_,
     (select count(*) as newer, count(*) filter (where created_at >= $2) as newest from messages where created_at >= $1) as late
union all
select 'attempts', n - newer, n - newest
from (select count(*) as n from attempts) as all_,
     (select count(*) as newer, count(*) filter (where started_at >= $2) as newest from attempts where started_at >= $1) as late
union all
select 'tasks', n - newer, n - newest
from (select count(*) as n from tasks) as all_,
     (select count(*) as newer, count(*) filter (where created_at >= $2) as newest from tasks where created_at >= $1) as late;

-- name_kept --
-- The tables of which nothing is taken away.
select unnest(array['messages', 'attempts', 'tasks']) as name;

-- find_settling --
-- How many rows of each kind are from a time on and older than a later one, by their block ranges.
select 'messages' as name, count(*) as settling from messages where created_at >= $1 and created_at < $2
union all
select 'attempts', count(*) from attempts where started_at >= $1 and started_at < $2
union all
select 'tasks', count(*) from tasks where created_at >= $1 and created_at < $2;

-- find_proven_news --
-- The same as the next of what is from a time on, where a message and its row in the queue have one time. Where sums differ, the statement is run.
with waiting as (
  select count(*) as n, sum(uuid_hash_extended(id, 0)) as messages from messages where state = 'waiting' and created_at >= $1
), queued as (
  select count(*) as n, sum(uuid_hash_extended(message_id, 0)) as messages from queue where channel in ('sms', 'email') and next_at >= $1
)
select 'find_unqueued_messages' as statement from waiting w join queued q on (w.n, w.messages) is not distinct from (q.n, q.messages);

-- find_proven --
-- Statements below that can find nothing in any row: the ids that they compare are as many on both sides, with equal 64-bit sums. A pass over
-- each table costs a fraction of what joining them does.
with told as (
  select state, count(*) as n, sum(uuid_hash_extended(id, 0)) as messages from messages where state in ('sent', 'waiting') group by state
), sent as (
  select coalesce(sum(n), 0) as n, coalesce(sum(messages), 0) as messages from told where state = 'sent'
), waiting as (
  select coalesce(sum(n), 0) as n, coalesce(sum(messages), 0) as messages from told where state = 'waiting'
), queued as (
  select count(*) as n, coalesce(sum(uuid_hash_extended(message_id, 0)), 0) as messages from queue
), taken as (
  select count(*) as n, coalesce(sum(uuid_hash_extended(message_id, 0)), 0) as messages from attempts where answer = 'taken'
)
select 'find_unproven_messages' as statement from sent s join taken t on (s.n, s.messages) = (t.n, t.messages)
union all
select 'find_unqueued_messages' from waiting w join queued q on (w.n, w.messages) = (q.n, q.messages);

-- find_unsettled_messages --
-- Messages whose time to be sent passed a quarter of an hour ago: no sender takes them.
select 'message_unsettled' as kind, message_id::text as subject, next_at as since, 'channel ' || channel as detail
from queue where lease is null and next_at < clock_timestamp() - interval '15 minutes'
order by next_at limit 1000;

-- find_lost_messages --
-- Messages held by a sender that vanished, and that nobody took over.
select 'message_lost' as kind, q.message_id::text as subject, coalesce(l.leased_until, q.taken_at) as since, 'channel ' || q.channel as detail
from queue q left join leases l on l.id = q.lease
where q.lease is not null and (l.id is null or l.leased_until < clock_timestamp() - interval '5 minutes')
order by 3 limit 1000;

-- find_unqueued_messages --
-- Messages that are called waiting and that no sender can find, or that still wait although they were settled.
select 'message_unqueued' as kind, m.id::text as subject, m.created_at as since, 'waits, and is not in the queue' as detail
from messages m
where m.state = 'waiting' and m.created_at >= $1
  and not exists (select from queue q where (q.subject_id, q.seq, q.message_id) = (m.subject_id, m.seq, m.id))
union all
select 'message_unqueued', q.message_id::text, q.next_at, 'in the queue, and does not wait'
from queue q
where q.channel in ('sms', 'email') and q.next_at >= $1
  and not exists (select from messages m where m.id = q.message_id and m.state = 'waiting')
order by 3 limit 1000;

-- find_double_messages --
-- Events that have more than one message, by the range of what is new: its ends are named for the index of block ranges. Grouped and not
-- joined: where statistics are older than the rows, a join is planned for a handful and compares each with each.
with recent as materialized (
  select event_id from messages where created_at >= $1
)
select 'message_double' as kind, event_id::text as subject, min(created_at) as since, 'more than one message' as detail
from messages
where event_id >= (select event_id from recent order by event_id limit 1)
  and event_id <= (select event_id from recent order by event_id desc limit 1)
group by event_id having count(*) > 1
order by 3 limit 1000;

-- find_unproven_messages --
-- Messages called sent without an attempt that a provider took.
select 'message_unproven' as kind, m.id::text as subject, m.created_at as since, 'channel ' || m.channel as detail
from messages m
where m.state = 'sent' and m.settled_at >= $1 and not exists (select from attempts a where a.message_id = m.id and a.answer = 'taken')
order by m.created_at limit 1000;

-- find_double_tasks --
-- Cases that have more than one task: looked for where no valid unique index forbids it.
select 'task_double' as kind, t.case_id::text as subject, min(t.created_at) as since, t.kind || ', more than one task' as detail
from tasks t
where t.created_at >= $1 and exists (select from tasks o where o.kind = t.kind and o.case_id = t.case_id and o.id <> t.id)
  and not exists (select from pg_index where indexrelid = to_regclass('tasks_case_once') and indisvalid)
group by t.kind, t.case_id
order by 3 limit 1000;

-- find_forgotten_tasks --
-- Tasks that nobody has finished in thirty days of real time: beyond every due date of ours.
select 'task_forgotten' as kind, id::text as subject, created_at as since, kind || ' of dinas ' || dinas as detail
from tasks where state <> 'completed' and created_at < clock_timestamp() - interval '30 days'
order by created_at limit 1000;
