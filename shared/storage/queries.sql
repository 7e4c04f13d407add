-- add_events --
-- Number each key's events without gaps, put them into the outbox in the order given, and count them in the flow ledger.
with given as (
  select * from unnest($2::text[], $3::text[], $4::uuid[], $5::text[], $6::timestamptz[], $7::bytea[], $8::bigint[])
    with ordinality as g(topic, key, event_id, type, time, payload, hash, ord)
), counted as (
  select topic, key, count(*) as events from given group by topic, key
), numbered as (
  insert into sequences as s (topic, key, last)
  select topic, key, events from counted order by topic, key
  on conflict (topic, key) do update set last = s.last + excluded.last
  returning s.topic, s.key, s.last
), said as (
  insert into flow (direction, party, topic, partition, minute, outcome, events, hash_sum)
  select 'said', $1::text, topic, -1, date_trunc('minute', time), 'said', count(*), sum(hash) from given group by topic, date_trunc('minute', time)
)
insert into outbox (bucket, topic, key, event_id, type, time, sequence, payload)
select hashtext(g.key) & 15, g.topic, g.key, g.event_id, g.type, g.time,
       n.last + 1 - row_number() over (partition by g.topic, g.key order by g.ord desc), g.payload
from given g join numbered n using (topic, key)
order by g.ord;

-- find_sequences --
-- The numbers that keys' last events were given.
select s.topic, s.key, s.last from sequences s join unnest($1::text[], $2::text[]) as g(topic, key) using (topic, key);

-- add_flow --
-- Append sums to the flow ledger.
insert into flow (direction, party, topic, partition, minute, outcome, events, hash_sum)
select $1::text, $2::text, * from unnest($3::text[], $4::int[], $5::timestamptz[], $6::text[], $7::int[], $8::numeric[]);

-- start_progress --
-- Make the rows of newly assigned partitions, starting where the log starts; rows that exist stay.
insert into progress (consumer, topic, partition, next_offset)
select $1::text, * from unnest($2::text[], $3::int[], $4::bigint[]) order by 2, 3
on conflict (consumer, topic, partition) do nothing;

-- find_progress --
-- How far a consumer has come and by which event, without a lock.
select topic, partition, next_offset, last_event_id from progress where consumer = $1;

-- find_position_decisions --
-- Which notes of Kafka about a consumer's positions somebody has declared void.
select topic, partition, accepted from position_decisions where consumer = $1 and fault = 'DatabaseRestored';

-- open_batch --
-- First statement of a batch of one consumer or of several: whoever holds these positions may move them. With them what the records are
-- judged by: the keys' numbers, and which of the keys have a gate. `has_moved` where the locked row is not the one that this statement sees.
with held as (
  select p.consumer, p.topic, p.partition, p.next_offset, p.opened
  from progress p join unnest($1::text[], $2::text[], $3::int[]) as g(consumer, topic, partition) using (consumer, topic, partition)
  order by p.consumer, p.topic, p.partition
  for update of p
), lanes as (
  select * from unnest($4::text[], $5::text[], $6::text[]) as l(consumer, topic, key)
)
select 'position' as kind, h.consumer, h.topic, h.partition, null as key, h.next_offset as number, null::bigint as applied,
       (h.next_offset, h.opened) is distinct from (p.next_offset, p.opened) as has_moved
from held h join progress p using (consumer, topic, partition)
union all
select 'key', l.consumer, l.topic, null, l.key, h.sequence, h.applied, null from lanes l cross join lateral (
  -- Never as one: the planner would rather read all keys of a consumer than look each of these up.
  select sequence, applied from heard where consumer = l.consumer and topic = l.topic and key = l.key offset 0
) as h
union all
-- Where the consumers have no gate at all, no key's is looked for.
select 'gate', l.consumer, l.topic, null, l.key, null, null, null from lanes l where exists (select from gate where consumer = any($1::text[])) and exists (
  select from gate where consumer = l.consumer and topic = l.topic and key = l.key offset 0
);

-- close_batch --
-- Last statement of a batch of one consumer or of several, in the transaction of its effects: numbers met per key, sums for the flow ledger,
-- positions. A batch that somebody else has gone past says nothing new: the last event is the one before the position, whoever wrote that.
with keys as (
  insert into heard as h (consumer, topic, key, sequence, applied)
  select * from unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::bigint[]) order by 1, 2, 3
  on conflict (consumer, topic, key) do update
    set sequence = greatest(h.sequence, excluded.sequence), applied = greatest(h.applied, excluded.applied)
), sums as (
  insert into flow (direction, party, topic, partition, minute, outcome, events, hash_sum)
  select 'heard', * from unnest($6::text[], $7::text[], $8::int[], $9::timestamptz[], $10::text[], $11::int[], $12::numeric[])
)
update progress p set
  next_offset = greatest(p.next_offset, g.next_offset),
  last_event_id = case when g.next_offset >= p.next_offset then coalesce(g.event_id, p.last_event_id) else p.last_event_id end,
  updated_at = clock_timestamp()
from unnest($13::text[], $14::text[], $15::int[], $16::bigint[], $17::uuid[]) as g(consumer, topic, partition, next_offset, event_id)
where p.consumer = g.consumer and p.topic = g.topic and p.partition = g.partition;

-- find_heard --
-- The last sequence number met per key, and the last that had an effect.
select l.topic, l.key, h.sequence as number, h.applied
from unnest($2::text[], $3::text[]) as l(topic, key) cross join lateral (
  select sequence, applied from heard where consumer = $1 and topic = l.topic and key = l.key offset 0
) as h;

-- add_seen --
-- Remember intake events; a later copy changes nothing.
insert into seen (consumer, id, seen_at)
select $1::text, g.id, $3::timestamptz from unnest($2::uuid[]) as g(id) order by g.id
on conflict (consumer, id) do nothing
returning id;

-- remove_seen --
-- Forget intake events that wait: their own release must not look like a copy.
delete from seen where consumer = $1 and id = any($2::uuid[]);

-- forget_seen --
-- Forget intake events of long ago, the oldest first, a bounded number at once.
delete from seen where (consumer, id) in (select consumer, id from seen where seen_at < $1 order by seen_at limit $2);

-- lock_gates --
-- Which of a batch's keys have to wait.
select gate.topic, gate.key
from gate join unnest($2::text[], $3::text[]) as g(topic, key) using (topic, key)
where gate.consumer = $1
order by gate.topic, gate.key
for update of gate;

-- open_gates --
-- Let keys wait, each until its own time.
insert into gate (consumer, topic, key, next_at, attempts, reason, is_held, opened_at)
select $1::text, g.topic, g.key, g.next_at, 1, g.reason, false, $6::timestamptz
from unnest($2::text[], $3::text[], $4::timestamptz[], $5::text[]) as g(topic, key, next_at, reason)
order by g.topic, g.key
on conflict (consumer, topic, key) do nothing;

-- count_gates --
-- How many keys of a consumer's topics wait.
select topic, count(*) as keys from gate where consumer = $1 and topic = any($2::text[]) group by topic;

-- find_due_consumers --
-- Whose gates' time has come.
select distinct consumer from gate where not is_held and next_at <= $1;

-- has_due_gate --
-- Whether the time of any gate has come.
select exists (select from gate where consumer = $1 and not is_held and next_at <= $2);

-- claim_gate --
-- One gate whose time has come, of a topic that has not stopped, and that no other process works on.
select id, topic, key, attempts, action from gate
where consumer = $1 and not is_held and next_at <= $2 and topic <> all($3::text[])
order by next_at
limit 1
for update skip locked;

-- delay_gate --
-- The first record behind the gate failed again; a held gate waits for an operator.
update gate set next_at = $4, attempts = $7, reason = $5, is_held = $6, action = case when $6 then null else action end
where consumer = $1 and topic = $2 and key = $3;

-- close_gate --
-- Nothing waits any more: the key is free.
delete from gate where consumer = $1 and topic = $2 and key = $3;

-- park_records --
-- Put records behind their keys' gates; a copy of one that is there changes nothing.
insert into parked (consumer, topic, key, partition, record_offset, sequence, broker_ms, record, sealed_under, parked_at)
select $1::text, g.topic, g.key, g.partition, g.record_offset, g.sequence, g.broker_ms, g.record, g.sealed_under, $10::timestamptz
from unnest($2::text[], $3::text[], $4::int[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bytea[], $9::uuid[])
  with ordinality as g(topic, key, partition, record_offset, sequence, broker_ms, record, sealed_under, ord)
order by g.ord
on conflict (consumer, topic, partition, record_offset) do nothing;

-- find_parked --
-- What waits behind a gate, oldest first: by the key's own numbers where it has them, else as it arrived.
select p.seq, p.partition, p.record_offset, p.sequence, p.broker_ms, p.record, p.sealed_under, p.letter,
  d.event_id as dead_id, d.counted_at, d.is_marked
from parked p left join dead_letters d on d.id = p.letter
where p.consumer = $1 and p.topic = $2 and p.key = $3
order by p.sequence nulls first, p.broker_ms, p.partition, p.record_offset
limit $4;

-- remove_parked --
-- These were handled or are dead letters now.
delete from parked where consumer = $1 and topic = $2 and key = $3 and seq = any($4::bigint[]);

-- has_parked --
-- Whether anything still waits behind a gate.
select exists (select from parked where consumer = $1 and topic = $2 and key = $3);

-- add_dead_letters --
-- Set records aside for good, with the reason and where they came from.
insert into dead_letters (id, consumer, topic, partition, record_offset, event_id, event_type, reason, field, attempts, broker_ms, record, sealed_under, key, sequence, counted_at, is_marked, dead_at)
select g.id, $1::text, g.topic, g.partition, g.record_offset, g.event_id, g.event_type, g.reason, g.field, g.attempts, g.broker_ms, g.record, g.sealed_under, g.key, g.sequence, g.counted_at, g.is_marked, $18::timestamptz
from unnest($2::uuid[], $3::text[], $4::int[], $5::bigint[], $6::uuid[], $7::text[], $8::text[], $9::text[], $10::int[], $11::bigint[], $12::bytea[], $13::uuid[], $14::text[], $15::bigint[], $16::timestamptz[], $17::bool[])
  as g(id, topic, partition, record_offset, event_id, event_type, reason, field, attempts, broker_ms, record, sealed_under, key, sequence, counted_at, is_marked)
order by g.id
on conflict (consumer, topic, partition, record_offset) do nothing;

-- find_ready_buckets --
-- Buckets of the outbox that hold anything.
select b::smallint as bucket from generate_series(0, 15) as b where exists (select from outbox o where o.bucket = b);

-- claim_buckets --
-- Lease buckets that hold anything for this connection, as far as nobody else has them; leases end with the connection. What they hold
-- is read by a later statement: this one sees them as they were before it had them.
with ready as materialized (
  select b::smallint as bucket from generate_series(0, 15) as b where exists (select from outbox o where o.bucket = b)
)
select bucket, pg_try_advisory_lock($1, bucket) as is_leased from ready;

-- release_buckets --
-- Give every lease of this connection back.
select pg_advisory_unlock_all();

-- fetch_outbox --
-- The oldest events of the leased buckets, in order within each.
select o.* from unnest($1::smallint[]) as b(bucket)
cross join lateral (
  select id, bucket, topic, key, event_id, type, time, sequence, payload from outbox
  where outbox.bucket = b.bucket and topic <> all($3::text[]) order by id limit $2
) as o;

-- delete_outbox --
-- These events are on their topics. One walk through each bucket finds all of it. Nobody waits for the disk: what a crash brings back is
-- sent once more, as where it came before the deletion, and known by its number.
with quick as materialized (
  select set_config('synchronous_commit', 'off', true)
), sent as (
  select bucket, array_agg(id) as ids from unnest($1::smallint[], $2::bigint[]) as g(bucket, id) group by bucket
)
delete from outbox o using quick, sent as g where o.bucket = g.bucket and o.id = any(g.ids);

-- measure_outbox --
-- How much waits to be sent, and for how long the oldest has.
select count(*) as waiting, coalesce(extract(epoch from clock_timestamp() - min(created_at)), 0)::float8 as age_seconds from outbox;

-- measure_parked --
-- Per consumer: records behind gates, and for how long the oldest has waited.
select consumer, count(*) as records, extract(epoch from clock_timestamp() - min(parked_at))::float8 as age_seconds
from parked group by consumer;

-- count_shelved --
-- Per consumer: records behind gates, keys that wait for an operator, dead letters.
select consumer, sum(parked)::int as parked, sum(held)::int as held, sum(dead)::int as dead
from (
  select consumer, count(*) as parked, 0 as held, 0 as dead from parked group by consumer
  union all select consumer, 0, count(*), 0 from gate where is_held group by consumer
  union all select consumer, 0, 0, count(*) from dead_letters where closed_at is null group by consumer
) as shelved
group by consumer;
