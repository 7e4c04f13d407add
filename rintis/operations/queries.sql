-- find_positions --
-- How far a consumer has come.
select topic, partition, next_offset, updated_at from progress where consumer = $1;

-- find_outbox --
-- What of a topic still waits to be sent.
select count(*) as events, coalesce(max(id), 0) as last_id, min(created_at) as oldest from outbox where topic = $1;

-- find_gates --
-- Keys of a consumer that wait.
select count(*) as keys, count(*) filter (where is_held) as held, min(opened_at) as oldest from gate where consumer = $1;

-- count_parked --
-- Records behind a consumer's gates.
select count(*) from parked where consumer = $1;

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
