-- find_changed --
-- Minutes of a direction that were written to after a fold, with what each amounts to now. Copies do not count; what was parked cancels out.
with touched as (
  select party, topic, minute from flow_cells where fold > $2 and direction = $1
  union
  select party, topic, minute from flow where direction = $1
)
select l.party, l.topic, l.minute, sum(l.events)::bigint as events, sum(l.hash_sum) as hash_sum
from touched t join ledger l on l.direction = $1 and l.party = t.party and l.topic = t.topic and l.minute = t.minute
where l.outcome <> 'repeat'
group by l.party, l.topic, l.minute;

-- find_everything --
-- What every minute of a direction amounts to: without a fold to go on from, nothing needs to be looked up.
select party, topic, minute, sum(events)::bigint as events, sum(hash_sum) as hash_sum
from ledger where direction = $1 and outcome <> 'repeat'
group by party, topic, minute;

-- find_minutes --
-- What some minutes amount to.
select l.party, l.topic, l.minute, sum(l.events)::bigint as events, sum(l.hash_sum) as hash_sum
from unnest($2::text[], $3::text[], $4::timestamptz[]) as g(party, topic, minute)
join ledger l on l.direction = $1 and l.party = g.party and l.topic = g.topic and l.minute = g.minute
where l.outcome <> 'repeat'
group by l.party, l.topic, l.minute;

-- find_all_minutes --
-- What every minute of one topic amounts to for one party.
select party, topic, minute, sum(events)::bigint as events, sum(hash_sum) as hash_sum
from ledger where direction = $1 and party = $2 and topic = $3 and outcome <> 'repeat'
group by party, topic, minute;

-- find_totals --
-- What the whole ledger of some directions amounts to, by who said or heard what and where.
select direction, party, topic, partition, outcome, sum(events)::bigint as events, sum(hash_sum) as hash_sum
from ledger where direction = any($1::text[]) group by direction, party, topic, partition, outcome;

-- find_fold --
-- The number of the last fold.
select coalesce(max(fold), 0) from flow_cells;

-- find_positions --
-- How far the consumers of this service have come.
select consumer, topic, partition, next_offset from progress;

-- find_outbox --
-- What of each topic still waits to be sent.
select topic, count(*) as events, max(id) as last_id, min(created_at) as oldest from outbox group by topic;

-- count_outbox_until --
-- What of each topic was in the outbox at an earlier look and still is.
select g.topic, count(o.id) as events
from unnest($1::text[], $2::bigint[]) as g(topic, last_id) left join outbox o on o.topic = g.topic and o.id <= g.last_id
group by g.topic;

-- find_behind_gates --
-- What waits behind the gates of each consumer, and since when.
select g.consumer, count(p.seq) as events, min(g.opened_at) as oldest
from gate g left join parked p using (consumer, topic, key) group by g.consumer;

-- find_held_gates --
-- Keys that wait for an operator.
select consumer, topic, attempts, reason, opened_at from gate where is_held order by opened_at limit 1000;

-- count_dead --
-- Dead letters per consumer and reason that nobody has put right.
select consumer, reason, field, count(*) as letters, min(dead_at) as oldest
from dead_letters where closed_at is null group by consumer, reason, field order by 1, 2, 3;

-- count_minutes --
-- How many records of one partition a consumer has accounted for, per minute of the broker's time.
select minute, sum(events)::bigint as events
from ledger where direction = 'heard' and party = $1 and topic = $2 and partition = $3 group by minute;

-- find_outcomes --
-- What one minute came to for one party, by partition and outcome.
select partition, outcome, sum(events)::bigint as events
from ledger where direction = $1 and party = $2 and topic = $3 and minute = $4
group by partition, outcome having sum(events) <> 0 order by partition, outcome;

-- find_removed --
-- How many rows were ever taken out of tables, as PostgreSQL counts them, and the file that holds each, which emptying a table replaces: where
-- both are what they were, everything that was proven is still there.
select relname::text as name, n_tup_del as removed, pg_relation_filenode(relid)::bigint as file
from pg_stat_user_tables where relname = any($1::text[]);
