-- find_said --
-- What a service said on a topic, per minute.
select minute, sum(events)::bigint as events, sum(hash_sum) as hash_sum
from flow where direction = 'said' and topic = $1 group by minute;

-- find_heard --
-- What a consumer met on a topic, per minute; copies do not count, parked records cancel out once they are settled.
select minute, sum(events)::bigint as events, sum(hash_sum) as hash_sum
from flow where direction = 'heard' and party = $1 and topic = $2 and outcome <> 'repeat' group by minute;

-- count_partitions --
-- How many records of each partition a consumer has accounted for, copies included.
select topic, partition, sum(events)::bigint as events
from flow where direction = 'heard' and party = $1 group by topic, partition;

-- count_minutes --
-- How many records of one partition a consumer has accounted for, per minute of the broker's time.
select minute, sum(events)::bigint as events
from flow where direction = 'heard' and party = $1 and topic = $2 and partition = $3 group by minute;

-- find_positions --
-- How far a consumer has come.
select topic, partition, next_offset, updated_at from progress where consumer = $1;

-- find_outbox --
-- What of a topic still waits to be sent.
select count(*) as events, coalesce(max(id), 0) as last_id, min(created_at) as oldest from outbox where topic = $1;

-- count_outbox_until --
-- What of a topic was in the outbox at an earlier look and still is.
select count(*) from outbox where topic = $1 and id <= $2;

-- count_outcomes --
-- What came in by Kafka or by a door, by outcome.
select direction, party, outcome, sum(events)::bigint as events
from flow where direction = 'door' or (direction = 'heard' and topic like 'intake.%')
group by direction, party, outcome;

-- find_gates --
-- Keys of a consumer that wait.
select count(*) as keys, count(*) filter (where is_held) as held, min(opened_at) as oldest from gate where consumer = $1;

-- count_parked --
-- Records behind a consumer's gates.
select count(*) from parked where consumer = $1;

-- find_held_gates --
-- Keys that wait for an operator.
select consumer, topic, attempts, reason, opened_at from gate where is_held order by opened_at limit 1000;

-- count_dead --
-- Open dead letters per consumer and reason.
select consumer, reason, field, count(*) as letters, min(dead_at) as oldest from dead_letters where closed_at is null group by consumer, reason, field order by 1, 2, 3;

-- find_dead_letter --
-- One dead letter.
select id, consumer, topic, partition, record_offset, event_id, event_type, reason, field, attempts, broker_ms, sealed_under is not null as is_sealed, octet_length(record) as record_bytes, dead_at, state, closed_at
from dead_letters where id = $1;

-- measure_rate --
-- Records a consumer has settled in the last minute of real time.
select coalesce(sum(events), 0)::float8 / 60 as per_second from flow
where direction = 'heard' and party = $1 and recorded_at > clock_timestamp() - interval '1 minute';
