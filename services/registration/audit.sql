-- find_undecided_submissions --
-- Submissions without a verdict: claim and verdict are one transaction, so there can be none.
select 'submission_undecided' as kind, submission_id::text as subject, arrived_at as since, kind || ' by ' || door as detail
from submissions where verdict is null
order by arrived_at limit 1000;

-- find_unsaid_registrations --
-- Registered workers whose event has no number on its topic: nobody was told of them.
select 'registration_unsaid' as kind, r.person_id::text as subject, r.registered_at as since, 'no registration.workers event' as detail
from registrations r
where not exists (select from sequences s where s.topic = 'registration.workers' and s.key = r.person_id::text)
order by r.registered_at limit 1000;

-- find_unsaid_refusals --
-- Refused registrations whose event has no number on its topic.
select 'refusal_unsaid' as kind, refusal_id::text as subject, decided_at as since, 'no registration.refusals event' as detail
from submissions s
where verdict = 'refused' and kind = 'registration'
  and not exists (select from sequences q where q.topic = 'registration.refusals' and q.key = s.refusal_id::text)
order by decided_at limit 1000;

-- find_unbacked_acceptances --
-- Submissions called accepted without the registration that they became.
select 'acceptance_unbacked' as kind, submission_id::text as subject, decided_at as since, 'no registration' as detail
from submissions s
where verdict = 'accepted' and not exists (select from registrations r where r.submission_id = s.submission_id)
order by decided_at limit 1000;

-- find_half_registered --
-- Persons called registered without a registration, or the other way round.
select 'person_half_registered' as kind, coalesce(p.person_id, r.person_id)::text as subject,
       coalesce(p.registered_at, r.registered_at) as since, 'state ' || coalesce(p.state, 'none') as detail
from (select person_id, state, registered_at from persons where state = 'registered') p
full join registrations r using (person_id)
left join persons e on e.person_id = r.person_id and e.state = 'erased'
where (p.person_id is null or r.person_id is null) and e.person_id is null
order by 3 limit 1000;

-- find_unindexed_persons --
-- Persons without a blind index: their NIK could be registered again.
select 'person_unindexed' as kind, person_id::text as subject, claimed_at as since, 'state ' || state as detail
from persons p
where state <> 'erased' and not exists (select from nik_tokens t where t.person_id = p.person_id)
order by claimed_at limit 1000;
