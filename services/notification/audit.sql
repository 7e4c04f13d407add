-- find_latest --
-- The newest time of a row, looked for from a time on.
select greatest(
  (select max(created_at) from messages where created_at >= $1),
  (select max(started_at) from attempts where started_at >= $1),
  (select max(created_at) from tasks where created_at >= $1)
);

-- count_settled --
-- How many rows of each kind are older than a time: they stay, so another number tells that some were taken away or put in later.
select 'messages' as name, (select count(*) from messages) - (select count(*) from messages where created_at >= $1) as settled
union all
select 'attempts', (select count(*) from attempts) - (select count(*) from attempts where started_at >= $1)
union all
select 'tasks', (select count(*) from tasks) - (select count(*) from tasks where created_at >= $1);

-- find_unsettled_messages --
-- Messages whose time to be sent passed a quarter of an hour ago: no sender takes them.
select 'message_unsettled' as kind, id::text as subject, next_at as since, 'channel ' || coalesce(channel, 'none') as detail
from messages where state = 'due' and next_at < clock_timestamp() - interval '15 minutes'
order by next_at limit 1000;

-- find_lost_messages --
-- Messages held by a sender that vanished, and that nobody took over.
select 'message_lost' as kind, id::text as subject, leased_until as since, 'channel ' || channel as detail
from messages where state = 'sending' and leased_until < clock_timestamp() - interval '5 minutes'
order by leased_until limit 1000;

-- find_double_messages --
-- Events that have more than one message.
select 'message_double' as kind, m.event_id::text as subject, min(m.created_at) as since, 'more than one message' as detail
from messages m
where m.created_at >= $1 and exists (select from messages o where o.event_id = m.event_id and o.id <> m.id)
group by m.event_id
order by 3 limit 1000;

-- find_unproven_messages --
-- Messages called sent without an attempt that a provider took.
select 'message_unproven' as kind, m.id::text as subject, m.created_at as since, 'channel ' || m.channel as detail
from messages m
where m.state = 'sent' and m.settled_at >= $1 and not exists (select from attempts a where a.message_id = m.id and a.answer = 'taken')
order by m.created_at limit 1000;

-- find_double_tasks --
-- Cases that have more than one task.
select 'task_double' as kind, t.case_id::text as subject, min(t.created_at) as since, t.kind || ', more than one task' as detail
from tasks t
where t.created_at >= $1 and exists (select from tasks o where o.kind = t.kind and o.case_id = t.case_id and o.id <> t.id)
group by t.kind, t.case_id
order by 3 limit 1000;

-- find_forgotten_tasks --
-- Tasks that nobody has finished in thirty days of real time: beyond every due date of ours.
select 'task_forgotten' as kind, id::text as subject, created_at as since, kind || ' of dinas ' || dinas as detail
from tasks where state <> 'completed' and created_at < clock_timestamp() - interval '30 days'
order by created_at limit 1000;
