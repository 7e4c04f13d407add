-- add_messages --
-- Store what is to be told, once per event; those that reach nobody are skipped from the start. With it how subjects can be reached: an
-- older version changes nothing, and what is known already is not touched: every news of a person carries the same contact, and
-- consumers that lock each other's rows in turn would wait for the deadlock detector, a second.
with kept as (
  insert into contacts as c (subject_id, box, version, sealed)
  select * from unnest($14::uuid[], $15::text[], $16::int[], $17::text[]) as g(subject_id, box, version, sealed)
  where not exists (
    select from contacts k where k.subject_id = g.subject_id and k.box = g.box
      and (k.version > g.version or (k.version = g.version and k.sealed = g.sealed))
  )
  order by g.subject_id, g.box
  on conflict (subject_id, box) do update set version = excluded.version, sealed = excluded.sealed
  where excluded.version > c.version or (excluded.version = c.version and excluded.sealed <> c.sealed)
)
insert into messages (id, event_id, subject_id, template, parameters, box, facts_version, thread, valid_until, channel, state, reason,
                      told_at, settled_at)
select g.id, g.event_id, g.subject_id, g.template, g.parameters, g.box, g.facts_version, g.thread, g.valid_until, g.channel, g.state,
       g.reason, $13::timestamptz, case when g.state = 'skipped' then $13::timestamptz end
from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::jsonb[], $6::text[], $7::int[], $8::text[], $9::timestamptz[],
            $10::text[], $11::text[], $12::text[])
  with ordinality as g(id, event_id, subject_id, template, parameters, box, facts_version, thread, valid_until, channel, state, reason,
                       ord)
order by g.ord
on conflict on constraint messages_event_once do nothing
returning id;

-- claim_messages --
-- Take due messages of one channel, oldest first and one of a subject at a time; while one is sent, next_at says since when.
with due as (
  select m.id from messages m
  where m.state = 'due' and m.channel = $1 and m.next_at <= statement_timestamp()
    -- A choice, because the planner then expects every second message to be the first of its subject, and walks the queue from its
    -- front until it has enough. With `=` it expects one in two hundred and reads and sorts all that waits (64,000: 950 ms instead of
    -- 10); `not exists` becomes a join.
    and case m.seq when (select min(e.seq) from messages e where e.subject_id = m.subject_id and e.state in ('due', 'sending'))
        then true else false end
  order by m.next_at, m.seq
  limit $2
  for update skip locked
), claimed as (
  update messages m set state = 'sending', reason = '', attempts = m.attempts + 1, lease = $3, holder = $5, next_at = clock_timestamp(),
                        leased_until = clock_timestamp() + make_interval(secs => $4)
  from due where m.id = due.id
  returning m.*
)
select c.id, c.event_id, c.subject_id, c.template, c.parameters, c.box, coalesce(k.sealed, '') as sealed, c.channel, c.attempts,
       c.facts_version, c.valid_until, c.next_at as taken_at,
       (select max(n.facts_version) from messages n where n.subject_id = c.subject_id and n.thread = c.thread) as newest_facts
from claimed c left join contacts k using (subject_id, box)
order by c.seq;

-- settle_messages --
-- Record what became of messages, where this sender still holds them (only what is being sent has a lease); what is due again
-- waits its own time, on another channel where its own turned out to reach nobody. What waits behind it on its subject is moved back
-- with it: else the front of the queue fills with what cannot go, and each sender looks through all of it.
with settled as (
  update messages m set state = g.state, reason = g.reason, lease = null, leased_until = null, channel = coalesce(g.channel, m.channel),
    attempts = m.attempts - (g.answer = 'not_tried')::int,
    next_at = clock_timestamp() + make_interval(secs => g.delay_seconds),
    settled_at = case when g.state <> 'due' then $10::timestamptz end
  from unnest($2::uuid[], $3::text[], $4::text[], $5::float8[], $6::text[], $7::text[], $8::text[], $9::timestamptz[])
    as g(id, state, reason, delay_seconds, answer, answer_reason, channel, taken_at)
  where m.id = g.id and m.lease = $1
  returning m.id, m.subject_id, m.state, m.next_at, m.attempts, m.channel, g.answer, g.answer_reason, g.taken_at
), moved as (
  update messages m set next_at = s.next_at from settled s
  where s.state = 'due' and m.subject_id = s.subject_id and m.state = 'due' and m.id <> s.id and m.next_at < s.next_at
), ended as (
  insert into attempts (message_id, number, channel, started_at, ended_at, answer, reason)
  select id, attempts, channel, taken_at, clock_timestamp(), answer, answer_reason from settled where answer <> 'not_tried'
)
select id from settled;

-- release_held --
-- What this slot's earlier process was sending when it ended counts as lost at once.
update messages set leased_until = clock_timestamp() where state = 'sending' and holder = $1 and leased_until > clock_timestamp();

-- find_lost --
-- Messages whose sender vanished in the middle of an attempt.
select id, event_id, subject_id, template, channel, box from messages
where state = 'sending' and leased_until < clock_timestamp()
order by leased_until
limit $1
for update skip locked;

-- settle_lost --
-- Give lost messages their fate, due again at once or final; of their attempt nobody knows how it ended.
with lost as (
  insert into attempts (message_id, number, channel, started_at)
  select m.id, m.attempts, m.channel, m.next_at from messages m where m.id = any($1::uuid[])
)
update messages m set state = g.state, reason = g.reason, lease = null, leased_until = null, next_at = clock_timestamp(),
  settled_at = case when g.state <> 'due' then $4::timestamptz end
from unnest($1::uuid[], $2::text[], $3::text[]) as g(id, state, reason)
where m.id = g.id;

-- count_messages --
-- How many messages stand where.
select coalesce(channel, 'none') as channel, state, count(*) as messages from messages group by 1, 2 order by 1, 2;

-- replace_staff --
-- Take over the staff as the callers file names them; who is not named any more gets no new task.
with given as (
  select g.person, array(select jsonb_array_elements_text(g.roles)) as roles, array(select jsonb_array_elements_text(g.regions)) as regions
  from unnest($1::text[], $2::jsonb[], $3::jsonb[]) as g(person, roles, regions)
), gone as (
  update staff s set is_active = false where s.is_active and not exists (select from given g where g.person = s.person)
)
insert into staff as s (person, roles, regions, is_active)
select person, roles, regions, true from given order by person
on conflict on constraint staff_pkey do update set roles = excluded.roles, regions = excluded.regions, is_active = true;

-- list_staff --
-- Who does tasks now.
select person, roles, regions from staff where is_active;

-- count_load --
-- How many unfinished tasks each person is asked for.
select assignee, count(*) as tasks from tasks where state <> 'completed' and assignee is not null group by assignee;

-- find_cases --
-- Which of these cases have a task already.
select case_id from tasks where kind = $1 and case_id = any($2::uuid[]);

-- add_tasks --
-- Open tasks, once per case.
insert into tasks (id, kind, case_id, about, dinas, programme, reasons, link, state, assignee, opened_at, due_at)
select g.id, g.kind, g.case_id, g.about, g.dinas, g.programme, array(select jsonb_array_elements_text(g.reasons)), g.link, 'open',
       g.assignee, $11::timestamptz, g.due_at
from unnest($1::uuid[], $2::text[], $3::uuid[], $4::uuid[], $5::text[], $6::text[], $7::jsonb[], $8::text[], $9::text[], $10::timestamptz[])
  with ordinality as g(id, kind, case_id, about, dinas, programme, reasons, link, assignee, due_at, ord)
order by g.ord
on conflict on constraint tasks_case_once do nothing
returning id;

-- list_tasks --
-- Tasks of these kinds and regions by urgency; with a person only that person's own.
select * from tasks
where kind = any($1::text[])
  and ('*' = any($2::text[]) or dinas = any($2::text[]) or split_part(dinas, '.', 1) = any($2::text[]))
  and ($3::text is null or coalesce(claimed_by, assignee) = $3)
  and state = any($4::text[])
order by due_at, id
limit $5;

-- find_task --
-- One task.
select * from tasks where id = $1;

-- lock_task --
-- One task, held until the end of the transaction.
select * from tasks where id = $1 for update;

-- claim_task --
-- Give a task to the person who does it.
update tasks set state = 'claimed', claimed_by = $2, revision = revision + 1 where id = $1 returning *;

-- return_task --
-- Put a task back for somebody else.
update tasks set state = 'open', claimed_by = null, assignee = $2, revision = revision + 1 where id = $1 returning *;

-- complete_task --
-- Record how a task ended.
update tasks set state = 'completed', outcome = $2, reason = $3, completed_at = $4, revision = revision + 1 where id = $1 returning *;

-- count_tasks --
-- How many tasks stand where, by dinas.
select dinas, state, count(*) as tasks, count(*) filter (where state <> 'completed' and due_at < $1) as overdue
from tasks group by dinas, state order by dinas, state;
