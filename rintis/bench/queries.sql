-- read_pulse --
-- How far a sequence is: as cheap as a look can be, and it moves with every row.
select pg_sequence_last_value(pg_get_serial_sequence($1, $2)) as pulse;

-- count_verdicts --
-- What became of the submissions, and whether anything is still to be handed over.
select count(*) filter (where verdict is not null) as submissions, count(*) filter (where verdict = 'accepted') as accepted,
  count(*) filter (where verdict = 'refused') as refused, count(*) filter (where verdict = 'duplicate') as duplicates,
  exists (select from outbox) or exists (select from gate) as is_waiting
from submissions;

-- count_decisions --
-- How many workers are decided, and what is still to be placed or handed over.
select (select count(*) from decisions) as decisions,
  (select count(*) from seat_requests) as requests,
  (select count(*) from reviews) as reviews,
  exists (select from seat_requests where state = 'requested') or exists (select from outbox) or exists (select from gate)
    as is_waiting;

-- count_told --
-- How many messages and tasks there are: one message for each registration, decision and placement, one task for each review.
select count(*) filter (where template like 'registered.%') as registered,
  count(*) filter (where template like any (array['confirmed.%', 'denied.%', 'review_asked.%'])) as decided,
  count(*) filter (where template like any (array['seat_offered.%', 'waitlisted.%', 'referred.%'])) as placed,
  (select count(*) from tasks) as tasks, exists (select from gate) as is_waiting
from messages;

-- find_last_told --
-- When the last message or task was written down.
select greatest((select max(created_at) from messages), (select max(created_at) from tasks)) as at;

-- find_persons --
-- Whose registration each reference is.
select reference_id as id, person_id from registrations where reference_id = any($1::uuid[]);

-- find_told --
-- When the last message or task about each worker was committed; that somebody is registered already is another registration's.
with told as (
  select subject_id as person_id, xmin from messages where subject_id = any($1::uuid[]) and template not like 'repeated.%'
  union all
  select about, xmin from tasks where about = any($1::uuid[])
)
select person_id, max(pg_xact_commit_timestamp(xmin)) as at from told group by person_id;

-- find_unsent --
-- Whether a message still waits for a sender.
select exists (select from queue) as is_unsent;

-- count_sent --
-- How many messages were sent between the first attempt and the last.
select count(*) as sent, min(started_at) as began, max(ended_at) as ended from attempts where answer is not null;

-- count_floor --
-- What the floor has made of its records.
select (select count(*) from tasks) as tasks, (select count(*) from refusals) as refusals;

-- find_last_floor --
-- When the floor's last task was written down.
select max(created_at) as at from tasks;

-- find_floor_done --
-- When each registration's task was committed.
select id, pg_xact_commit_timestamp(xmin) as at from tasks where id = any($1::uuid[]);

-- read_server --
-- What the server has committed and written to its journal so far.
select (select coalesce(sum(xact_commit), 0) from pg_stat_database where datname = any($1::text[]))::bigint as commits,
  pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint as journal_bytes;

-- checkpoint --
-- Begin with nothing left to be written.
checkpoint;

-- analyze --
-- Statistics as a system has that has been running for a while.
vacuum (analyze);

-- create_floor --
-- The floor's database.
create database floor;
