-- add_messages --
-- Store what is to be told, once per event, and what of it is to be sent; those that reach nobody are skipped from the start. An event that
-- a rival tells at this moment is a violation, after which all is done again and its message is seen. With it how
-- subjects can be reached: an older version changes nothing, and what is known already is not touched: every news of a person carries the
-- same contact, and consumers that lock each other's rows in turn would wait for the deadlock detector, a second. A message and its row in the
-- queue have one time, so that the audit can compare what is new by sums.
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
), told as (
  insert into messages (id, event_id, subject_id, template, parameters, box, facts_version, thread, valid_until, channel, state, reason,
                        told_at, settled_at, created_at)
  select g.id, g.event_id, g.subject_id, g.template, g.parameters, g.box, g.facts_version, g.thread, g.valid_until, g.channel, g.state,
         g.reason, $13::timestamptz, case when g.state <> 'waiting' then $13::timestamptz end, now()
  from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::jsonb[], $6::text[], $7::int[], $8::text[], $9::timestamptz[],
              $10::text[], $11::text[], $12::text[])
    with ordinality as g(id, event_id, subject_id, template, parameters, box, facts_version, thread, valid_until, channel, state, reason,
                         ord)
  where not exists (select from messages m where m.id = g.id offset 0)
  order by g.ord
  returning id, seq, subject_id, channel, state
), queued as (
  insert into queue (subject_id, seq, message_id, channel, next_at)
  select subject_id, seq, id, channel, now() from told where state = 'waiting'
)
select id from told;

-- claim_messages --
-- Take due messages of one channel, oldest first and one of a subject at a time.
with due as (
  select q.subject_id, q.seq, q.reason from queue q
  where q.channel = $1 and q.lease is null and q.next_at <= statement_timestamp()
    -- A choice, because the planner then expects every second message to be the first of its subject, and walks the queue from its
    -- front until it has enough. With `=` it expects one in two hundred and reads and sorts all that waits (64,000: 950 ms instead of
    -- 10); `not exists` becomes a join.
    and case q.seq when (select e.seq from queue e where e.subject_id = q.subject_id order by e.seq limit 1) then true else false end
  order by q.next_at, q.seq
  limit $2
  for update skip locked
), held as (
  insert into leases (id, holder, leased_until)
  select $3, $5, clock_timestamp() + make_interval(secs => $4) where exists (select from due)
), claimed as (
  update queue q set lease = $3, attempts = q.attempts + 1, reason = '', taken_at = clock_timestamp()
  from due where (q.subject_id, q.seq) = (due.subject_id, due.seq)
  returning q.subject_id, q.seq, q.message_id, q.channel, q.attempts, due.reason
)
select m.id, c.seq, m.event_id, m.subject_id, m.template, m.parameters, m.box, coalesce(k.sealed, '') as sealed, c.channel, c.attempts, c.reason,
       m.facts_version, m.valid_until,
       (select max(n.facts_version) from messages n
        where n.subject_id = m.subject_id and n.thread = m.thread and n.facts_version > 1) as newest_facts
from claimed c join messages m on m.id = c.message_id left join contacts k on k.subject_id = m.subject_id and k.box = m.box
order by c.seq;

-- put_back --
-- Make due again what these claims took; the queue is read only where one of them was committed.
with void as (
  delete from leases where id = any($1::uuid[]) returning id
)
update queue q set lease = null, attempts = q.attempts - 1 from void where q.lease = void.id;

-- settle_messages --
-- Record what became of messages, where this sender still holds them; what is due again waits its own time, on another channel where its
-- own turned out to reach nobody. What waits behind it on its subject is moved back with it: else the front of the queue fills with what
-- cannot go, and each sender looks through all of it. With the last of a set its lease ends.
with given as (
  select * from unnest($2::uuid[], $3::bigint[], $4::text[], $5::text[], $6::float8[], $7::text[], $8::text[], $9::text[])
    as g(subject_id, seq, state, reason, delay_seconds, answer, answer_reason, channel)
), done as (
  delete from queue q using given g
  where (q.subject_id, q.seq) = (g.subject_id, g.seq) and q.lease = $1 and g.state <> 'waiting'
  returning q.message_id, q.channel, q.attempts - (g.answer = 'not_tried')::int as attempts, q.taken_at, g.state, g.reason, g.answer,
            g.answer_reason
), again as (
  update queue q set lease = null, reason = g.reason, channel = coalesce(g.channel, q.channel),
    attempts = q.attempts - (g.answer = 'not_tried')::int, next_at = clock_timestamp() + make_interval(secs => g.delay_seconds)
  from given g
  where (q.subject_id, q.seq) = (g.subject_id, g.seq) and q.lease = $1 and g.state = 'waiting'
  returning q.subject_id, q.seq, q.next_at, q.message_id, q.channel, q.attempts, q.taken_at, g.answer, g.answer_reason
), moved as (
  update queue q set next_at = a.next_at from again a
  where q.subject_id = a.subject_id and q.seq <> a.seq and q.lease is null and q.next_at < a.next_at
), settled as (
  update messages m set state = d.state, reason = d.reason, channel = d.channel, attempts = d.attempts, settled_at = $10::timestamptz
  from done d where m.id = d.message_id
), tried as (
  insert into attempts (message_id, number, channel, started_at, ended_at, answer, reason)
  select message_id, attempts, channel, taken_at, clock_timestamp(), answer, answer_reason from done where answer <> 'not_tried'
  union all
  select message_id, attempts, channel, taken_at, clock_timestamp(), answer, answer_reason from again where answer <> 'not_tried'
), ended as (
  delete from leases where id = $1 and $11::boolean
)
select message_id from done union all select message_id from again;

-- release_held --
-- What this slot's earlier process was sending when it ended counts as lost at once.
update leases set leased_until = clock_timestamp() where holder = $1 and leased_until > clock_timestamp();

-- find_lost --
-- Messages whose sender vanished in the middle of an attempt. The queue is read only where a lease is over.
select m.id, q.seq, m.event_id, m.subject_id, m.template, q.channel, m.box
from leases l join queue q on q.lease = l.id join messages m on m.id = q.message_id
where l.leased_until < clock_timestamp()
order by l.leased_until, q.seq
limit $1
for update of q skip locked;

-- settle_lost --
-- Give lost messages their fate, due again at once or final; of their attempt nobody knows how it ended.
with given as (
  select * from unnest($1::uuid[], $2::bigint[], $3::text[], $4::text[]) as g(subject_id, seq, state, reason)
), done as (
  delete from queue q using given g
  where (q.subject_id, q.seq) = (g.subject_id, g.seq) and g.state <> 'waiting'
  returning q.message_id, q.channel, q.attempts, q.taken_at, g.state, g.reason
), again as (
  update queue q set lease = null, reason = g.reason, next_at = clock_timestamp()
  from given g
  where (q.subject_id, q.seq) = (g.subject_id, g.seq) and g.state = 'waiting'
  returning q.message_id, q.channel, q.attempts, q.taken_at
), settled as (
  update messages m set state = d.state, reason = d.reason, channel = d.channel, attempts = d.attempts, settled_at = $5::timestamptz
  from done d where m.id = d.message_id
)
insert into attempts (message_id, number, channel, started_at)
select message_id, attempts, channel, taken_at from done
union all
select message_id, attempts, channel, taken_at from again;

-- end_leases --
-- Let go of leases that are over and hold nothing any more.
delete from leases l where l.leased_until < clock_timestamp() and not exists (select from queue q where q.lease = l.id);

-- count_messages --
-- How many messages stand where.
select coalesce(channel, 'none') as channel, state, count(*) as messages from messages where state <> 'waiting' group by 1, 2
union all
select channel, case when lease is null then 'due' else 'sending' end, count(*) from queue group by 1, 2
order by 1, 2;

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
