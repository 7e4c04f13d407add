-- put_back --
-- Open gates for the keys of dead letters, due now; a gate that is there, held or not, begins anew.
insert into gate (consumer, topic, key, next_at, attempts, reason, is_held, opened_at)
select $1::text, g.topic, g.key, $4::timestamptz, 0, 'redriven', false, $4::timestamptz
from unnest($2::text[], $3::text[]) as g(topic, key)
order by g.topic, g.key
on conflict (consumer, topic, key) do update set next_at = excluded.next_at, attempts = 0, is_held = false;

-- park_letters --
-- Put dead letters behind their keys' gates.
insert into parked (consumer, topic, key, partition, record_offset, sequence, broker_ms, record, sealed_under, parked_at, letter)
select d.consumer, d.topic, g.key, d.partition, d.record_offset, d.sequence, d.broker_ms, d.record, d.sealed_under, $3::timestamptz, d.id
from unnest($1::uuid[], $2::text[]) with ordinality as g(id, key, ord) join dead_letters d on d.id = g.id
order by g.ord;

-- mark_redriving --
-- These letters are being tried again.
update dead_letters set state = 'redriving' where id = any($1::uuid[]);

-- lock_topics --
-- Let the batch in hand of these topics end, and the next one see what is put back: first statement, as in a batch.
with held as (
  select consumer, topic, partition from progress where consumer = $1 and topic = any($2::text[]) order by topic, partition for update
)
update progress p set opened = p.opened + 1 from held h
where p.consumer = h.consumer and p.topic = h.topic and p.partition = h.partition;

-- close_letters --
-- Their outcome is known.
update dead_letters d set state = g.state, closed_at = $3::timestamptz, action = null
from unnest($1::uuid[], $2::text[]) as g(id, state) where d.id = g.id;

-- reopen_letters --
-- They failed again: back on the list, with what is wrong now.
update dead_letters d set state = 'open', action = null, attempts = d.attempts + 1, reason = g.reason, field = g.field,
  event_id = g.event_id, event_type = coalesce(g.event_type, d.event_type), counted_at = g.counted_at, is_marked = d.is_marked or g.is_marked
from unnest($1::uuid[], $2::text[], $3::text[], $4::uuid[], $5::text[], $6::timestamptz[], $7::bool[]) as g(id, reason, field, event_id, event_type, counted_at, is_marked)
where d.id = g.id;

-- end_entries --
-- Write down what became of entries of an action that is still open for them.
update operator_outcomes o set outcome = g.outcome, reason = g.reason, ended_at = $4::timestamptz
from unnest($1::uuid[], $2::text[], $3::text[]) as g(entry, outcome, reason)
where o.entry = g.entry and o.outcome is null and o.begun_at is not null;

-- find_by_gate --
-- A held key, by its id, and no process works on it meanwhile.
select id, topic, key, attempts, action from gate where id = $1 and is_held for update;

-- reopen_gates --
-- Let held keys be tried again from the start.
update gate set is_held = false, attempts = 0, next_at = $2::timestamptz, action = $3::uuid where id = any($1::uuid[]) and is_held returning id;

-- waive_letters --
-- Close letters for good.
update dead_letters set state = 'waived', closed_at = $2::timestamptz, action = null where id = any($1::uuid[]) and state = 'open' returning id;

-- waive_place --
-- Close the letter that a waived key's first record has become.
update dead_letters set state = 'waived', closed_at = $5::timestamptz where consumer = $1 and topic = $2 and partition = $3 and record_offset = $4;
