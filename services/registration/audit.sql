-- find_latest --
-- The newest time of a row, looked for from a time on.
select greatest(
  (select max(registered_at) from registrations where registered_at >= $1),
  (select max(claimed_at) from persons where claimed_at >= $1),
  (select max(decided_at) from submissions where decided_at >= $1)
);

-- count_settled --
-- How many rows of each kind there are, and are older than a time and than a later one: these stay, so another number at the next look tells that some
-- were taken away or put in later. Whole tables are counted once, by an index; what is newer, by its block ranges.
select 'registrations' as name, n - newer as settled, n - newest as settles
from (select count(*) as n from registrations) as all_,
     (select count(*) as newer, count(*) filter (where registered_at >= $2) as newest from registrations where registered_at >= $1) as late
union all
select 'persons', n - newer, n - newest
from (select count(*) as n from persons) as all_,
     (select count(*) as newer, count(*) filter (where claimed_at >= $2) as newest from persons where claimed_at >= $1) as late
union all
select 'submissions', n - undecided - newer, n - undecided - newest
from (select count(*) as n from submissions) as all_,
     (select count(*) as undecided from submissions where kind in ('registration', 'layoff') and door in ('kafka', 'http', 'file') and verdict is null) as open_,
     (select count(*) as newer, count(*) filter (where decided_at >= $2) as newest from submissions where decided_at >= $1) as late;

-- name_kept --
-- The tables of which nothing is taken away.
select unnest(array['registrations', 'persons', 'submissions', 'nik_tokens', 'sequences']) as name;

-- find_settling --
-- How many rows of each kind are from a time on and older than a later one, by their block ranges.
select 'registrations' as name, count(*) as settling from registrations where registered_at >= $1 and registered_at < $2
union all
select 'persons', count(*) from persons where claimed_at >= $1 and claimed_at < $2
union all
select 'submissions', count(*) from submissions where decided_at >= $1 and decided_at < $2;

-- find_proven_news --
-- The same as the next of what is from a time on: a transaction gives its rows one time, so what belongs together is on the same side of it. Where
-- it is not, the statements are run.
with registered as (
  select count(*) as n, sum(uuid_hash_extended(person_id, 0)) as people, sum(uuid_hash_extended(submission_id, 0)) as submissions
  from registrations where registered_at >= $1
), accepted as (
  select count(*) as n, sum(uuid_hash_extended(submission_id, 0)) as submissions from submissions where verdict = 'accepted' and decided_at >= $1
), known as (
  select count(*) as n, sum(uuid_hash_extended(person_id, 0)) as people from persons where state = 'registered' and registered_at >= $1
)
select unnest(array['find_unbacked_acceptances', 'find_orphans']) as statement
from registered r join accepted a on (r.n, r.submissions) is not distinct from (a.n, a.submissions)
union all
select 'find_half_registered' from registered r join known k on (r.n, r.people) is not distinct from (k.n, k.people);

-- find_proven --
-- Statements below that can find nothing in any row: the ids that they compare are as many on both sides, with equal 64-bit sums. A pass over
-- each table costs a fraction of what joining them does.
with registered as (
  select count(*) as n, sum(uuid_hash_extended(person_id, 0)) as people, sum(uuid_hash_extended(submission_id, 0)) as submissions,
         sum(hashtextextended(person_id::text, 0)) as keys
  from registrations
), said as (
  select count(*) as n, sum(hashtextextended(key, 0)) as keys from sequences where topic = 'registration.workers'
), accepted as (
  select count(*) as n, sum(uuid_hash_extended(submission_id, 0)) as submissions from submissions where verdict = 'accepted'
), known as (
  select count(*) filter (where state = 'registered') as registered, count(*) filter (where state <> 'erased') as n,
         sum(uuid_hash_extended(person_id, 0)) filter (where state = 'registered') as registered_people,
         sum(uuid_hash_extended(person_id, 0)) filter (where state <> 'erased') as people
  from persons
), indexed as (
  select version, count(*) as n, sum(uuid_hash_extended(person_id, 0)) as people from nik_tokens group by version
)
select 'find_unsaid_registrations' as statement from registered r join said s on (r.n, r.keys) = (s.n, s.keys)
union all
select unnest(array['find_unbacked_acceptances', 'find_orphans']) from registered r join accepted a on (r.n, r.submissions) = (a.n, a.submissions)
union all
select 'find_half_registered' from registered r join known k on (r.n, r.people) = (k.registered, k.registered_people)
union all
select 'find_unindexed_persons' from indexed i join known k on (i.n, i.people) = (k.n, k.people);

-- find_undecided_submissions --
-- Submissions without a verdict: claim and verdict are one transaction, so there can be none. Kinds and doors are named for the index.
select 'submission_undecided' as kind, submission_id::text as subject, arrived_at as since, kind || ' by ' || door as detail
from submissions where kind in ('registration', 'layoff') and door in ('kafka', 'http', 'file') and verdict is null
order by arrived_at limit 1000;

-- find_unsaid_registrations --
-- Registered workers whose event has no number on its topic: nobody was told of them.
select 'registration_unsaid' as kind, r.person_id::text as subject, r.registered_at as since, 'no registration.workers event' as detail
from registrations r
where r.registered_at >= $1
  and not exists (select from sequences s where s.topic = 'registration.workers' and s.key = r.person_id::text)
order by r.registered_at limit 1000;

-- find_unsaid_refusals --
-- Refused registrations whose event has no number on its topic.
select 'refusal_unsaid' as kind, refusal_id::text as subject, decided_at as since, 'no registration.refusals event' as detail
from submissions s
where verdict = 'refused' and kind = 'registration' and decided_at >= $1
  and not exists (select from sequences q where q.topic = 'registration.refusals' and q.key = s.refusal_id::text)
order by decided_at limit 1000;

-- find_unbacked_acceptances --
-- Submissions called accepted without the registration that they became.
select 'acceptance_unbacked' as kind, submission_id::text as subject, decided_at as since, 'no registration' as detail
from submissions s
where verdict = 'accepted' and decided_at >= $1
  and not exists (select from registrations r where r.person_id = s.person_id and r.submission_id = s.submission_id)
order by decided_at limit 1000;

-- find_half_registered --
-- Persons called registered without a registration, or the other way round.
select 'person_half_registered' as kind, person_id::text as subject, registered_at as since, detail
from (
  select p.person_id, p.registered_at, 'state registered' as detail
  from persons p left join registrations r using (person_id)
  where p.state = 'registered' and p.registered_at >= $1 and r.person_id is null
  union all
  select r.person_id, r.registered_at, 'state ' || p.state
  from registrations r join persons p using (person_id)
  where r.registered_at >= $1 and p.state not in ('registered', 'erased')
) as halves
order by registered_at limit 1000;

-- find_unindexed_persons --
-- Persons without a blind index: their NIK could be registered again.
select 'person_unindexed' as kind, person_id::text as subject, claimed_at as since, 'state ' || state as detail
from persons p
where state <> 'erased' and claimed_at >= $1 and not exists (select from nik_tokens t where t.person_id = p.person_id)
order by claimed_at limit 1000;

-- find_orphans --
-- Registrations without the submission that led to them.
select 'registration_without_submission' as kind, r.person_id::text as subject, r.registered_at as since, 'submission ' || r.submission_id as detail
from registrations r
where r.registered_at >= $1 and not exists (select from submissions s where s.submission_id = r.submission_id)
order by r.registered_at limit 1000;

-- find_waiting_calls --
-- Calls that were kept for later an hour ago, and still wait: their publishers were told that nothing of them is lost.
select 'call_waiting' as kind, id::text as subject, kept_at as since, publisher || ', ' || items || ' of ' || kind || ' ' || reason as detail
from deferred_calls where kept_at < clock_timestamp() - interval '1 hour'
order by kept_at limit 1000;
