-- find_positions --
-- How far every consumer of a service has come.
select consumer, topic, partition, next_offset from progress;

-- find_outbox_head --
-- The newest event that waits to be sent; 0 where none does.
select coalesce(max(id), 0) from outbox;

-- find_rest --
-- Which of these ends a consumer has not come to; and a line of nulls where an event up to this one still waits to be sent.
select null as topic, null::int as partition where exists (select from outbox where id <= $1)
union all
select topic, partition
from unnest($2::text[], $3::int[], $4::bigint[]) as wanted (topic, partition, reach)
where exists (
  select from progress
  where progress.topic = wanted.topic and progress.partition = wanted.partition and progress.next_offset < wanted.reach
);

-- find_lease_holders --
-- From which ports the relays come that hold buckets now.
select distinct activity.client_port
from pg_locks as locks
join pg_stat_activity as activity using (pid)
where locks.locktype = 'advisory' and locks.granted and locks.classid = $1::bigint::oid;

-- find_message_head --
-- The newest message of a channel that waits to be sent, or is being sent; 0 where none does.
select coalesce(max(seq), 0) from queue where channel = $1;

-- count_messages_until --
-- How many messages of a channel up to this one have not been settled.
select count(*) from queue where channel = $1 and seq <= $2;
