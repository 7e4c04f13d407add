-- find_standing --
-- How far a consumer has come, and by which event.
select topic, partition, next_offset, last_event_id from progress where consumer = $1;

-- find_void --
-- Which notes of Kafka about a consumer's positions were declared void.
select topic, partition, accepted from position_decisions where consumer = $1 and fault = 'DatabaseRestored';

-- add_decision --
-- Keep who took what for the truth, and why.
insert into position_decisions (consumer, topic, partition, fault, accepted, next_offset, decided_by, reason, decided_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9);

-- set_position --
-- Read on from here; the record before it is not known and will not be compared.
update progress set next_offset = $4, last_event_id = null, updated_at = clock_timestamp()
where consumer = $1 and topic = $2 and partition = $3 and next_offset = $5;

-- find_last_sign --
-- The latest moment that this database knows of.
select greatest((select max(updated_at) from progress), (select max(created_at) from outbox), (select max(recorded_at) from flow));

-- raise_sequences --
-- Numbers that were published are given to no other event.
insert into sequences as s (topic, key, last)
select * from unnest($1::text[], $2::text[], $3::bigint[]) order by 1, 2
on conflict (topic, key) do update set last = greatest(s.last, excluded.last);

-- find_decisions --
-- What was decided about positions, newest first.
select consumer, topic, partition, fault, accepted, next_offset, decided_by, reason, decided_at
from position_decisions order by id desc limit $1;
