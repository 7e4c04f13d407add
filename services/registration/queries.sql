-- find_persons --
-- Persons by any version of their NIK's token.
select g.place, p.person_id, p.state
from unnest($1::integer[], $2::smallint[], $3::bytea[]) as g(place, version, token)
join nik_tokens t using (version, token) join persons p using (person_id);

-- claim_persons --
-- The persons of tokens, made where nobody has the token; of two processes the later one waits, makes nothing, and has to look again:
-- who is not returned was made meanwhile. Nobody waits for the disk: whatever names these persons is committed later in the same journal, and
-- where a crash comes before that, their ids are derived again from the same records.
with quick as materialized (
  select set_config('synchronous_commit', 'off', true)
), given as (
  select * from unnest($1::integer[], $2::smallint[], $3::bytea[], $4::uuid[]) as g(place, version, token, person_id)
), known as (
  select g.place, t.person_id
  from unnest($5::integer[], $6::smallint[], $7::bytea[]) as g(place, version, token) join nik_tokens t using (version, token)
), won as (
  insert into nik_tokens (version, token, person_id)
  select version, token, person_id from given, quick order by version, token
  on conflict (version, token) do nothing
  returning person_id
), made as (
  insert into persons (person_id, state, claimed_at) select person_id, 'claimed', $8::timestamptz from won
)
select place, person_id from known
union all select place, person_id from given join won using (person_id);

-- add_nik_tokens --
-- Write the other versions of tokens, so that a rotation ends without a gap.
insert into nik_tokens (version, token, person_id)
select * from unnest($1::smallint[], $2::bytea[], $3::uuid[]) as g(version, token, person_id) order by g.version, g.token
on conflict (version, token) do nothing;

-- find_evidence --
-- What layoff lists say of these persons, sealed.
select person_id, publisher, content from evidence where person_id = any($1::uuid[]) order by person_id, evidence_id;

-- add_submissions --
-- Write submissions that are not known, with their verdicts; one that a rival has written meanwhile is a violation.
insert into submissions (submission_id, cause, kind, door, publisher, reference_id, arrived_at, verdict, reasons, warnings,
                         person_id, refusal_id, decided_at)
select g.submission_id, g.cause, $1::text, $2::text, g.publisher, g.reference_id, g.arrived_at, g.verdict, g.reasons, g.warnings,
       g.person_id, g.refusal_id, $3::timestamptz
from unnest($4::uuid[], $5::uuid[], $6::text[], $7::uuid[], $8::timestamptz[], $9::text[], $10::jsonb[], $11::jsonb[], $12::uuid[],
            $13::uuid[])
  as g(submission_id, cause, publisher, reference_id, arrived_at, verdict, reasons, warnings, person_id, refusal_id)
order by g.submission_id;

-- lock_known --
-- Which of these submissions have their verdict already, and persons as they are, locked in the order of their ids: whoever writes a
-- person's events holds this lock.
with locked as (
  select person_id, state, contact, contact_version, repeat_told_at from persons where person_id = any($2::uuid[])
  order by person_id
  for update
)
select null::uuid as submission_id, l.* from locked l
union all select submission_id, null, null, null, null, null from submissions where submission_id = any($1::uuid[]);

-- register_persons --
-- Persons become registered, with their sealed boxes and by what they may be found alike; a person is registered once, so no such token
-- can be there. Whose reference was used for somebody else is not registered, and not returned.
with taken as (
  insert into registrations (person_id, submission_id, publisher, reference_id, registered_at, event_id)
  select g.person_id, g.submission_id, g.publisher, g.reference_id, $1::timestamptz, g.event_id
  from unnest($2::uuid[], $3::uuid[], $4::text[], $5::uuid[], $6::uuid[])
    as g(person_id, submission_id, publisher, reference_id, event_id)
  order by g.reference_id
  on conflict (reference_id) do nothing
  returning person_id
), alike as (
  insert into near_tokens (kind, version, token, person_id)
  select g.kind, g.version, g.token, g.person_id
  from unnest($12::text[], $13::smallint[], $14::bytea[], $15::uuid[]) as g(kind, version, token, person_id)
  join taken using (person_id)
)
update persons p set state = 'registered', registered_at = $1::timestamptz, province = g.province, ticket = g.ticket,
  identity = g.identity, contact = g.contact, facts = g.facts,
  facts_version = p.facts_version + 1, contact_version = p.contact_version + 1
from unnest($2::uuid[], $7::text[], $8::text[], $9::text[], $10::text[], $11::text[])
  as g(person_id, province, ticket, identity, contact, facts)
join taken using (person_id)
where p.person_id = g.person_id
returning p.person_id;

-- mark_repeats_told --
-- Remember when somebody was last told that they are registered already.
update persons set repeat_told_at = $1::timestamptz where person_id = any($2::uuid[]);

-- preregister_persons --
-- Persons known from a layoff list only.
update persons p set state = 'preregistered', identity = g.identity
from unnest($1::uuid[], $2::text[]) as g(person_id, identity)
where p.person_id = g.person_id and p.state = 'claimed';

-- add_evidence --
-- Keep lines of layoff lists; a line that is known is not returned.
insert into evidence (evidence_id, person_id, submission_id, publisher, reference_id, content, arrived_at)
select * from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::uuid[], $6::text[], $7::timestamptz[])
  as g(evidence_id, person_id, submission_id, publisher, reference_id, content, arrived_at)
order by g.person_id, g.reference_id
on conflict (person_id, reference_id) do nothing
returning evidence_id;

-- find_verdicts --
-- What became of submissions.
select submission_id, kind, verdict, reasons, warnings, arrived_at, decided_at from submissions
where submission_id = any($1::uuid[]) and publisher = $2;

-- find_latest_verdict --
-- What became of the newest submission of a reference.
select submission_id, kind, verdict, reasons, warnings, arrived_at, decided_at from submissions
where reference_id = any($1::uuid[]) and publisher = $2
order by arrived_at desc, verdict = 'refused' limit 1;

-- try_lock_call --
-- Take a call on for this transaction; false while another works on it.
select pg_try_advisory_xact_lock(hashtextextended($1::text || encode($2::bytea, 'hex'), 7210));

-- find_call --
-- The answer that was given to a call.
select body_digest, answer from calls where caller = $1 and key_digest = $2;

-- add_call --
-- Keep the answer to a call.
insert into calls (caller, key_digest, body_digest, answer, answered_at) values ($1, $2, $3, $4, $5);

-- remove_calls --
-- Forget old answers, a bounded number at once.
delete from calls where (caller, key_digest) in (select caller, key_digest from calls where answered_at < $1 order by answered_at limit $2);

-- has_room --
-- Whether fewer events than this wait to be sent, or will once the calls that are kept have been worked through.
select (select count(*) from (select from outbox limit $1::bigint) as waiting)
  + (select coalesce(sum(items), 0) from deferred_calls) < $1::bigint;

-- has_room_for_call --
-- Whether fewer calls than this are kept.
select count(*) < $1::bigint from (select from deferred_calls limit $1::bigint) as kept;

-- defer_call --
-- Keep a call to be worked through later.
insert into deferred_calls (publisher, door, kind, items, body, sealed_under, arrived_at) values ($1, $2, $3, $4, $5, $6, $7);

-- claim_deferred --
-- The call that has waited longest, of those whose time has come and that no other process works on.
select id, publisher, door, kind, items, body, sealed_under, arrived_at, attempts from deferred_calls
where next_at <= clock_timestamp()
order by next_at, id
limit 1
for update skip locked;

-- remove_deferred --
-- Everything in this call has its verdict.
delete from deferred_calls where id = $1;

-- delay_deferred --
-- What could not be done of a call waits, by itself.
update deferred_calls set items = $2, body = $3, sealed_under = $4, reason = $5, attempts = attempts + 1,
  next_at = clock_timestamp() + make_interval(secs => $6)
where id = $1;

-- measure_deferred --
-- How many items wait in calls that are kept, how many that could not be done wait to be tried again; for how long the first that is due
-- has been due, and for how long the oldest has been kept.
select coalesce(sum(items) filter (where attempts = 0), 0)::int as waiting, coalesce(sum(items) filter (where attempts > 0), 0)::int as parked,
  greatest(extract(epoch from clock_timestamp() - min(next_at)), 0)::float8 as due_seconds,
  coalesce(extract(epoch from clock_timestamp() - min(kept_at)), 0)::float8 as age_seconds
from deferred_calls;

-- keep_decisions --
-- The last decision per worker.
insert into worker_decisions (worker_id, decision, programme, reasons, decided_at)
select g.worker_id, g.decision, g.programme, string_to_array(g.reasons, ','), g.at
from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::timestamptz[]) as g(worker_id, decision, programme, reasons, at)
order by g.worker_id
on conflict (worker_id) do update set decision = excluded.decision, programme = excluded.programme, reasons = excluded.reasons,
  decided_at = excluded.decided_at;

-- keep_placements --
-- The last placement per worker.
insert into worker_placements as p (worker_id, placement, name, until, position, placed_at)
select * from unnest($1::uuid[], $2::text[], $3::text[], $4::timestamptz[], $5::integer[], $6::timestamptz[])
  as g(worker_id, placement, name, until, position, at)
order by g.worker_id
on conflict (worker_id) do update set placement = excluded.placement, name = coalesce(excluded.name, p.name),
  until = excluded.until, position = excluded.position, placed_at = excluded.placed_at;

-- keep_messages --
-- The last message per worker; older news changes nothing, subjects that are no workers of ours are left out.
insert into worker_messages as m (worker_id, message, channel, message_at)
select g.worker_id, g.message, g.channel, g.at
from unnest($1::uuid[], $2::text[], $3::text[], $4::timestamptz[]) as g(worker_id, message, channel, at)
join persons p on p.person_id = g.worker_id
order by g.worker_id
on conflict (worker_id) do update set
  message = case when excluded.message_at >= m.message_at then excluded.message else m.message end,
  channel = case when excluded.message_at >= m.message_at then excluded.channel else m.channel end,
  message_at = greatest(m.message_at, excluded.message_at)
returning worker_id, message_at;

-- find_standing --
-- What is known of the worker with this ticket.
select p.person_id, p.facts, p.registered_at, d.decision, d.programme as decision_programme, d.reasons as decision_reasons, s.placement,
       s.name as placement_name, s.until as placement_until, s.position as placement_position, m.message,
       m.channel as message_channel, m.message_at
from persons p
left join worker_decisions d on d.worker_id = p.person_id
left join worker_placements s on s.worker_id = p.person_id
left join worker_messages m on m.worker_id = p.person_id
where p.ticket = $1 and p.state = 'registered';

-- count_submissions --
-- How many came in, by kind, door and verdict.
select kind, door, verdict, count(*) as submissions from submissions group by kind, door, verdict;

-- count_reasons --
-- How many refusals name each reason.
select reason ->> 'code' as code, count(*) as refusals
from submissions cross join lateral jsonb_array_elements(reasons) as reason
where verdict = 'refused' group by 1;

-- count_preregistered --
-- How many people are known from layoff lists only.
select count(*) from persons where state = 'preregistered';
