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
select 'message_double' as kind, event_id::text as subject, min(created_at) as since, count(*) || ' messages' as detail
from messages group by event_id having count(*) > 1
order by 3 limit 1000;

-- find_unproven_messages --
-- Messages called sent without an attempt that a provider took.
select 'message_unproven' as kind, m.id::text as subject, m.created_at as since, 'channel ' || m.channel as detail
from messages m
where m.state = 'sent' and not exists (select from attempts a where a.message_id = m.id and a.answer = 'taken')
order by m.created_at limit 1000;

-- find_double_tasks --
-- Cases that have more than one task.
select 'task_double' as kind, case_id::text as subject, min(created_at) as since, kind || ', ' || count(*) || ' tasks' as detail
from tasks group by kind, case_id having count(*) > 1
order by 3 limit 1000;

-- find_forgotten_tasks --
-- Tasks that nobody has finished in thirty days of real time: beyond every due date of ours.
select 'task_forgotten' as kind, id::text as subject, created_at as since, kind || ' of dinas ' || dinas as detail
from tasks where state <> 'completed' and created_at < clock_timestamp() - interval '30 days'
order by created_at limit 1000;
