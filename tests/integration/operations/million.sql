-- fill_registration --
-- So many people who registered over a span of time, oldest first.
insert into persons (person_id, state, claimed_at, registered_at, province, ticket, identity, contact, facts, facts_version, contact_version)
select md5('p' || n)::uuid, 'registered', at, at, '32', 'T' || n, repeat('i', 120), repeat('c', 80), repeat('f', 200), 1, 1
from (select n, $2::timestamptz - $3::interval * (1 - n::float8 / $1) as at from generate_series(1, $1::int) n) g;

-- fill_tokens --
-- Their blind indexes.
insert into nik_tokens (version, token, person_id) select 1, decode(md5('t' || n), 'hex'), md5('p' || n)::uuid from generate_series(1, $1::int) n;

-- fill_submissions --
-- What they submitted.
insert into submissions (submission_id, cause, kind, door, publisher, reference_id, arrived_at, verdict, person_id, decided_at)
select md5('s' || n)::uuid, md5('c' || n)::uuid, 'registration', 'kafka', 'kemnaker', md5('r' || n)::uuid, at, 'accepted', md5('p' || n)::uuid, at
from (select n, $2::timestamptz - $3::interval * (1 - n::float8 / $1) as at from generate_series(1, $1::int) n) g;

-- fill_registrations --
-- What became of it.
insert into registrations (person_id, submission_id, publisher, reference_id, registered_at, event_id)
select md5('p' || n)::uuid, md5('s' || n)::uuid, 'kemnaker', md5('r' || n)::uuid, at, md5('e' || n)::uuid
from (select n, $2::timestamptz - $3::interval * (1 - n::float8 / $1) as at from generate_series(1, $1::int) n) g;

-- fill_sequences --
-- The numbers of their events.
insert into sequences (topic, key, last) select 'registration.workers', md5('p' || n)::uuid::text, 1 from generate_series(1, $1::int) n;

-- fill_workers --
-- The same people as eligibility knows them.
insert into workers (worker_id, ticket_digest, province, facts_version, contact_version, facts, contact, is_erased, heard_at)
select md5('p' || n)::uuid, decode(md5('d' || n), 'hex'), '32', 1 + (n % 50 = 0)::int, 1, repeat('f', 200), repeat('c', 80), false, at
from (select n, $2::timestamptz - $3::interval * (1 - n::float8 / $1) as at from generate_series(1, $1::int) n) g;

-- fill_decisions --
-- What was decided on them; one in fifty changed what they had said, and was decided on once more.
insert into decisions (decision_id, worker_id, facts_version, event_id, policy, policy_digest, outcome, programme, score, rules, reasons, facts, decided_on, decided_at)
select md5('x' || n || 'v' || v)::uuid, md5('p' || n)::uuid, v, md5('e' || n || 'v' || v)::uuid, 'v1', 'd', 'confirmed', 'training', 70, '{}', '{}', repeat('f', 120), at::date, at
from (select n, $2::timestamptz - $3::interval * (1 - n::float8 / $1) as at from generate_series(1, $1::int) n) g
cross join lateral generate_series(1, 1 + (n % 50 = 0)::int) v;

-- fill_requests --
-- Where they were sent.
insert into seat_requests (request_id, worker_id, decision_id, facts_version, province, programme, state, decided_at, number, placed_at)
select md5('q' || n)::uuid, md5('p' || n)::uuid, md5('x' || n || 'v1')::uuid, 1, '32', 'training', 'referred', at, n, at
from (select n, $2::timestamptz - $3::interval * (1 - n::float8 / $1) as at from generate_series(1, $1::int) n) g;

-- fill_messages --
-- What they were told.
insert into messages (id, event_id, subject_id, template, parameters, box, channel, state, attempts, told_at, settled_at, created_at)
select md5('m' || n)::uuid, md5('e' || n)::uuid, md5('p' || n)::uuid, 'ticket', '{}', 'contact', 'sms', 'sent', 1, at, at, at
from (select n, $2::timestamptz - $3::interval * (1 - n::float8 / $1) as at from generate_series(1, $1::int) n) g;

-- fill_attempts --
-- How that was sent.
insert into attempts (message_id, number, channel, started_at, ended_at, answer)
select md5('m' || n)::uuid, 1, 'sms', at, at, 'taken'
from (select n, $2::timestamptz - $3::interval * (1 - n::float8 / $1) as at from generate_series(1, $1::int) n) g;

-- fill_cells --
-- The folded part of one party's ledger of one topic: a row per minute and partition, for what was said one per minute. Both sides of an
-- edge come to the same sums. Every partition has its share of every minute, with one event more where the division leaves a rest.
with shares as (
  select m, p, ($1::int / ($3 * $4) + case when m * $4 + p < $1::int % ($3 * $4) then 1 else 0 end)::bigint as n
  from generate_series(0, $3::int - 1) m cross join generate_series(0, $4::int - 1) p
)
insert into flow_cells (direction, party, topic, minute, partition, outcome, events, hash_sum, fold)
select $5, $6, $7, date_trunc('minute', $2::timestamptz) - make_interval(mins => m), case when $5 = 'said' then -1 else p end,
       case when $5 = 'said' then 'said' else 'handled' end, sum(n), sum(n * 4611686018427387904::numeric + m * 7919 + p), m / 15 + 1
from shares where m >= $8::int and n > 0 group by 1, 2, 3, 4, 5, 6, m order by m desc;

-- fill_appended --
-- The newest minutes as batches have appended them, not folded yet: a row per batch and partition, so many batches a minute.
with shares as (
  select m, p, ($1::int / ($3 * $4) + case when m * $4 + p < $1::int % ($3 * $4) then 1 else 0 end)::bigint as n
  from generate_series(0, $3::int - 1) m cross join generate_series(0, $4::int - 1) p
), batches as (
  select m, p, n, least(n, $9::int) as parts from shares where m < $8::int and n > 0
)
insert into flow (direction, party, topic, minute, partition, outcome, events, hash_sum)
select $5, $6, $7, date_trunc('minute', $2::timestamptz) - make_interval(mins => m), case when $5 = 'said' then -1 else p end,
       case when $5 = 'said' then 'said' else 'handled' end, n / parts + case when i <= n % parts then 1 else 0 end,
       (n / parts + case when i <= n % parts then 1 else 0 end) * 4611686018427387904::numeric + case when i = 1 then m * 7919 + p else 0 end
from batches cross join lateral generate_series(1, parts) i order by m desc, i;

-- fill_positions --
-- How far a consumer of the intake has come: as many offsets as it has accounted for.
insert into progress (consumer, topic, partition, next_offset)
select party, topic, partition, sum(events) from ledger where direction = 'heard' and topic like 'intake.%' group by party, topic, partition;
