-- find_entries --
-- What an operator can put right: open dead letters, and keys that wait for an operator; newest first.
select * from (
  select 'dead' as kind, id, consumer, topic, partition, record_offset, event_id, event_type, reason, field, attempts, sealed_under is not null as is_sealed,
    state, action, dead_at as since
  from dead_letters
  where closed_at is null and ($7::text is null or $7 = 'dead')
  union all
  select 'held', id, consumer, topic, null, null, null, null, reason, '', attempts, false, 'held', action, opened_at
  from gate
  where is_held and ($7::text is null or $7 = 'held')
) as e
where ($1::text is null or consumer = $1) and ($2::text is null or topic = $2) and ($3::text is null or reason = $3)
  and ($4::timestamptz is null or since >= $4) and ($5::timestamptz is null or since < $5) and ($6::uuid[] is null or id = any($6))
order by since desc, id
limit $8;

-- count_entries --
-- The same, counted: how many there are, how many belong to another action already, how many newer truth has overtaken.
select e.kind, e.consumer, e.topic, e.reason, count(*)::int as entries, count(e.action)::int as in_other_actions,
  (count(*) filter (where e.topic = any($8::text[]) and e.sequence < h.applied))::int as superseded
from (
  select 'dead' as kind, id, consumer, topic, key, sequence, reason, action, dead_at as since
  from dead_letters
  where closed_at is null and ($7::text is null or $7 = 'dead')
  union all
  select 'held', id, consumer, topic, key, null, reason, action, opened_at
  from gate
  where is_held and ($7::text is null or $7 = 'held')
) as e
left join heard h on h.consumer = e.consumer and h.topic = e.topic and h.key = e.key
where ($1::text is null or e.consumer = $1) and ($2::text is null or e.topic = $2) and ($3::text is null or e.reason = $3)
  and ($4::timestamptz is null or since >= $4) and ($5::timestamptz is null or since < $5) and ($6::uuid[] is null or e.id = any($6))
group by e.kind, e.consumer, e.topic, e.reason
order by 2, 3, 4, 1;

-- find_letter --
-- One dead letter with its record.
select * from dead_letters where id = $1;

-- add_action --
-- Write down what an operator asks for.
insert into operator_actions (id, kind, filter, why, entries, per_second, asked_by, asked_at, needs_approval, state, next_at)
values ($1, $2, $3::jsonb, $4, 0, $5, $6, $7, false, 'running', $7);

-- claim_letters --
-- Give the open letters that no other action has to this one.
with chosen as (
  select id from dead_letters
  where state = 'open' and action is null and ($7::text is null or $7 = 'dead')
    and ($1::text is null or consumer = $1) and ($2::text is null or topic = $2) and ($3::text is null or reason = $3)
    and ($4::timestamptz is null or dead_at >= $4) and ($5::timestamptz is null or dead_at < $5) and ($6::uuid[] is null or id = any($6))
  for update skip locked
), marked as (
  update dead_letters d set action = $8::uuid from chosen c where d.id = c.id returning d.id, d.consumer, d.topic, d.partition, d.record_offset
)
insert into operator_outcomes (action, entry, ordinal, is_gate, consumer, topic)
select $8::uuid, id, row_number() over (order by consumer, topic, record_offset, partition), false, consumer, topic from marked;

-- claim_held --
-- Give the held keys that no other action has to this one; they come after the letters.
with chosen as (
  select id from gate
  where is_held and action is null and ($7::text is null or $7 = 'held')
    and ($1::text is null or consumer = $1) and ($2::text is null or topic = $2) and ($3::text is null or reason = $3)
    and ($4::timestamptz is null or opened_at >= $4) and ($5::timestamptz is null or opened_at < $5) and ($6::uuid[] is null or id = any($6))
  for update skip locked
), marked as (
  update gate g set action = $8::uuid from chosen c where g.id = c.id returning g.id, g.consumer, g.topic, g.opened_at
)
insert into operator_outcomes (action, entry, ordinal, is_gate, consumer, topic)
select $8::uuid, id, 1000000000 + row_number() over (order by opened_at, id), true, consumer, topic from marked;

-- add_reading --
-- The letter that is to be read; reading it changes nothing about it.
insert into operator_outcomes (action, entry, ordinal, is_gate, consumer, topic) select $1::uuid, id, 1, false, consumer, topic from dead_letters where id = $2;

-- size_action --
-- How many entries it has, and whether a second person has to approve; a waiting one has its time for that.
update operator_actions set entries = $2, needs_approval = $3, state = $4, next_at = $5::timestamptz where id = $1;

-- approve_action --
-- A second person approves what waits.
update operator_actions set approved_by = $2, approved_at = $3::timestamptz, state = 'running', next_at = $4::timestamptz
where id = $1 and state = 'waiting' and asked_by <> $2
returning id;

-- end_action --
-- It is over.
update operator_actions set state = $2, ended_at = $3::timestamptz, ended_by = $4, ended_because = $5
where id = $1 and state in ('waiting', 'running')
returning id;

-- cancel_entries --
-- What was not begun is not begun any more.
update operator_outcomes set outcome = 'cancelled', ended_at = $2::timestamptz where action = $1 and begun_at is null and outcome is null;

-- free_letters --
-- Letters of an action that ended, and that it has not begun, may be taken by another.
update dead_letters set action = null where action = $1 and state = 'open';

-- free_held --
-- The same for held keys.
update gate set action = null where action = $1 and is_held;

-- claim_action --
-- One action whose time has come and that no other process works on.
select * from operator_actions where state in ('waiting', 'running') and next_at <= $1 order by next_at limit 1 for update skip locked;

-- delay_action --
-- When to go on with it.
update operator_actions set next_at = $2::timestamptz where id = $1;

-- find_next --
-- The next entries of an action that are not begun, in their order.
select entry, is_gate, consumer, topic from operator_outcomes where action = $1 and begun_at is null and outcome is null order by ordinal limit $2;

-- begin_entries --
-- These are under way.
update operator_outcomes set begun_at = $3::timestamptz where action = $1 and entry = any($2::uuid[]);

-- find_letters --
-- Letters of an action with their records, in their order.
select d.* from unnest($1::uuid[]) with ordinality as g(id, ord) join dead_letters d on d.id = g.id and d.state = 'open' order by g.ord;

-- count_action --
-- How far an action has come.
select count(*)::int as entries, count(begun_at)::int as begun, count(outcome)::int as ended, (count(*) filter (where outcome = 'failed'))::int as failed
from operator_outcomes where action = $1;

-- find_actions --
-- Actions with what became of their entries, newest first.
select a.*, coalesce(o.outcomes, '{}') as outcomes, coalesce(o.begun, 0) as begun
from operator_actions a
left join lateral (
  select jsonb_object_agg(coalesce(outcome, 'open'), entries) as outcomes, sum(begun)::int as begun
  from (select outcome, count(*)::int as entries, count(begun_at)::int as begun from operator_outcomes where action = a.id group by outcome) as by_outcome
) as o on true
where $1::uuid is null or a.id = $1
order by a.asked_at desc
limit $2;

-- find_outcomes --
-- What became of each entry of an action.
select o.entry, o.consumer, o.topic, o.is_gate, d.partition, d.record_offset, d.event_id, o.begun_at, o.outcome, o.reason, o.ended_at
from operator_outcomes o left join dead_letters d on d.id = o.entry
where o.action = $1 and ($2::text is null or o.outcome = $2)
order by o.ordinal limit $3;

-- find_history --
-- What was done about one entry.
select a.id as action, a.kind, a.why, a.asked_by, a.asked_at, a.approved_by, o.begun_at, o.outcome, o.reason, o.ended_at
from operator_outcomes o join operator_actions a on a.id = o.action
where o.entry = $1 order by a.asked_at;

-- hold_stops --
-- Say that these stops stand, and learn which an operator has ended.
insert into consumer_stops (id, consumer, topic, instance, reason, records, set_aside, stopped_at, seen_at)
select g.id, g.consumer, g.topic, $8::text, g.reason, g.records, g.set_aside, g.stopped_at, $9::timestamptz
from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::int[], $6::int[], $7::timestamptz[]) as g(id, consumer, topic, reason, records, set_aside, stopped_at)
on conflict (id) do update set seen_at = excluded.seen_at, reason = excluded.reason, records = excluded.records, set_aside = excluded.set_aside
returning id, resumed_at, is_forced;

-- find_stops --
-- Stops that stand, of every process; one that was not seen for a while has ended with its process.
select id, consumer, topic, instance, reason, records, set_aside, stopped_at, seen_at from consumer_stops
where resumed_at is null and seen_at > $1::timestamptz
order by stopped_at;

-- resume_stops --
-- An operator, or the consumer itself, lets topics go on.
update consumer_stops set resumed_at = $3::timestamptz, resumed_by = $4, why = $5, is_forced = $6
where consumer = $1 and ($2::text is null or topic = $2) and resumed_at is null and seen_at > $7::timestamptz
returning id, consumer, topic, instance;
