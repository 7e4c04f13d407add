-- lock_permits --
-- The permits of these numbers, locked in the order of their ids, so that nobody else changes them or their ledger.
select permit_id, number, state, nib, kbli, is_estate, regency, workers, issued_on, supervised_from, revoked_on, company, company_version
from permits where number = any($1::text[])
order by permit_id
for update;

-- find_permits --
-- The permits of these numbers, without a lock.
select permit_id, number, state, nib, kbli, is_estate, regency, workers, issued_on, supervised_from, revoked_on, company, company_version
from permits where number = any($1::text[]);

-- save_permits --
-- Write permits as they are now, and what became of each piece of news about them; where supervision begins anew, the ledger is filled
-- again from that day.
with news as (
  insert into permit_news (submission_id, permit_id, kind, publisher, outcome, errors, arrived_at, decided_at)
  select g.submission_id, g.permit_id, g.kind, g.publisher, g.outcome, g.errors, g.arrived_at, $14::timestamptz
  from unnest($15::uuid[], $16::uuid[], $17::text[], $18::text[], $19::text[], $20::jsonb[], $21::timestamptz[])
    as g(submission_id, permit_id, kind, publisher, outcome, errors, arrived_at)
  order by g.submission_id
  on conflict (submission_id) do nothing
)
insert into permits as p (
  permit_id, number, state, nib, kbli, is_estate, regency, workers, issued_on, supervised_from, revoked_on, company, company_version,
  expected_until, calendar, known_at, changed_at
)
select g.permit_id, g.number, g.state, g.nib, g.kbli, g.is_estate, g.regency, g.workers, g.issued_on, g.supervised_from, g.revoked_on,
       g.company, g.company_version, g.supervised_from - 1, '', $14::timestamptz, $14::timestamptz
from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::boolean[], $7::text[], $8::integer[], $9::date[], $10::date[],
            $11::date[], $12::text[], $13::integer[])
  as g(permit_id, number, state, nib, kbli, is_estate, regency, workers, issued_on, supervised_from, revoked_on, company, company_version)
order by g.permit_id
on conflict (permit_id) do update set
  state = excluded.state, nib = excluded.nib, kbli = excluded.kbli, is_estate = excluded.is_estate, regency = excluded.regency,
  workers = excluded.workers, issued_on = excluded.issued_on, supervised_from = excluded.supervised_from, revoked_on = excluded.revoked_on,
  company = excluded.company, company_version = excluded.company_version, changed_at = excluded.changed_at,
  expected_until = case when p.supervised_from = excluded.supervised_from then p.expected_until else excluded.expected_until end;

-- cancel_expected --
-- A revoked permit owes nothing from the day of its revocation on.
update expected_filings e set state = 'cancelled'
from unnest($1::uuid[], $2::date[]) as g(permit_id, revoked_on)
where e.permit_id = g.permit_id and e.due_on >= g.revoked_on and e.state = 'expected';

-- find_periods --
-- The ledger's rows of these permits and due days.
select permit_id, due_on, deadline, state, filing_id, filed_at, versions, missed_at
from expected_filings join unnest($1::uuid[], $2::date[]) as g(permit_id, due_on) using (permit_id, due_on);

-- find_ledgers --
-- Everything that is on record for these permits.
select permit_id, due_on, deadline, state, filing_id, filed_at, versions, missed_at
from expected_filings where permit_id = any($1::uuid[])
order by permit_id, due_on;

-- save_periods --
-- Write the ledger's rows as they are now.
insert into expected_filings (permit_id, due_on, deadline, state, filing_id, filed_at, versions, missed_at)
select g.permit_id, g.due_on, g.deadline, g.state, g.filing_id, g.filed_at, g.versions, g.missed_at
from unnest($1::uuid[], $2::date[], $3::timestamptz[], $4::text[], $5::uuid[], $6::timestamptz[], $7::integer[], $8::timestamptz[])
  as g(permit_id, due_on, deadline, state, filing_id, filed_at, versions, missed_at)
order by g.permit_id, g.due_on
on conflict (permit_id, due_on) do update set
  state = excluded.state, filing_id = excluded.filing_id, filed_at = excluded.filed_at, versions = excluded.versions,
  missed_at = excluded.missed_at;

-- save_filings --
-- Write reports with what was decided, and the ledger's rows as they are now; a report that waited gets its decision.
with ledger as (
  insert into expected_filings (permit_id, due_on, deadline, state, filing_id, filed_at, versions, missed_at)
  select g.permit_id, g.due_on, g.deadline, g.state, g.filing_id, g.filed_at, g.versions, g.missed_at
  from unnest($16::uuid[], $17::date[], $18::timestamptz[], $19::text[], $20::uuid[], $21::timestamptz[], $22::integer[], $23::timestamptz[])
    as g(permit_id, due_on, deadline, state, filing_id, filed_at, versions, missed_at)
  order by g.permit_id, g.due_on
  on conflict (permit_id, due_on) do update set
    state = excluded.state, filing_id = excluded.filing_id, filed_at = excluded.filed_at, versions = excluded.versions,
    missed_at = excluded.missed_at
)
insert into filings (
  filing_id, submission_id, cause, permit_id, permit_number, due_on, form, answers, publisher, arrived_at, state, is_late, errors, warnings, decided_at
)
select g.filing_id, g.submission_id, g.cause, g.permit_id, g.permit_number, g.due_on, g.form, g.answers, g.publisher, g.arrived_at, g.state,
       g.is_late, g.errors, g.warnings, $15::timestamptz
from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::text[], $6::date[], $7::text[], $8::jsonb[], $9::text[], $10::timestamptz[],
            $11::text[], $12::boolean[], $13::jsonb[], $14::jsonb[])
  as g(filing_id, submission_id, cause, permit_id, permit_number, due_on, form, answers, publisher, arrived_at, state, is_late, errors, warnings)
order by g.filing_id
on conflict (filing_id) do update set
  state = excluded.state, is_late = excluded.is_late, errors = excluded.errors, warnings = excluded.warnings, decided_at = excluded.decided_at
where filings.state in ('unmatched', 'held');

-- find_filings --
-- Reports that are here already, by what their copies are recognised by.
select filing_id, submission_id, cause, publisher, permit_number, due_on, form, answers, arrived_at, state, is_late, errors, warnings
from filings where submission_id = any($1::uuid[]);

-- has_waiting --
-- Whether any report waits for its permit or for its period.
select exists (select from filings where state in ('unmatched', 'held'));

-- claim_waiting --
-- Reports whose wait is over: the permit has come, or the period is closed. No other process works on them.
select f.filing_id, f.submission_id, f.cause, f.permit_number, f.due_on, f.form, f.answers, f.publisher, f.arrived_at
from filings f
where f.state in ('unmatched', 'held') and (
  (f.state = 'unmatched' and exists (select from permits p where p.permit_id = f.permit_id))
  or (f.state = 'held' and exists (
    select from expected_filings e where e.permit_id = f.permit_id and e.due_on = f.due_on and e.state <> 'expected'))
)
order by f.arrived_at
limit $1
for update of f skip locked;

-- has_orphans --
-- Whether any report has waited too long for its permit.
select exists (select from filings where state = 'unmatched' and arrived_at < $1::timestamptz);

-- refuse_unmatched --
-- Give up on reports whose permit did not come in time and does not wait at a gate, a bounded number at once.
update filings set state = 'refused', errors = $3::jsonb, decided_at = $4::timestamptz
where filing_id in (
  select f.filing_id from filings f
  where f.state = 'unmatched' and f.arrived_at < $1::timestamptz and not exists (select from permits p where p.permit_id = f.permit_id)
    and not exists (select from gate where gate.consumer = $5::text and gate.key = f.permit_number)
  order by f.arrived_at limit $2
  for update of f skip locked
);

-- fill_expected --
-- Write the ledger ahead for active permits that need it, a bounded number at once; what a newer calendar no longer asks for is cancelled.
with picked as (
  select permit_id, supervised_from, expected_until, calendar from permits
  where state = 'active' and (expected_until < $1::date or calendar <> $5::text)
  order by permit_id limit $6
  for update skip locked
), dropped as (
  update expected_filings e set state = 'cancelled' from picked
  where e.permit_id = picked.permit_id and picked.calendar not in ('', $5::text) and e.state = 'expected' and e.deadline > $7::timestamptz
    and not (e.due_on = any($3::date[]))
), filled as (
  insert into expected_filings as e (permit_id, due_on, deadline, state, versions)
  select picked.permit_id, d.due_on, d.deadline, 'expected', 0
  from picked cross join unnest($3::date[], $4::timestamptz[]) as d(due_on, deadline)
  where d.due_on >= picked.supervised_from and (d.due_on > picked.expected_until or picked.calendar <> $5::text)
    and (picked.calendar in ('', $5::text) or d.deadline > $7::timestamptz)
  order by picked.permit_id, d.due_on
  on conflict (permit_id, due_on) do update set state = 'expected', deadline = excluded.deadline
  where e.state = 'cancelled' or (e.state = 'expected' and e.deadline <> excluded.deadline)
), moved as (
  update permits p set expected_until = $2::date, calendar = $5::text from picked where p.permit_id = picked.permit_id
)
select count(*) from picked;

-- find_fill_start --
-- The first day from which any active permit's ledger has to be filled; where there is none, remember that this duty has come so far.
-- Each look is a step into an index: reading all permits twice a second cost more than anything that was done with them.
with start as (
  select least(
    (select min(expected_until) + 1 from permits where state = 'active' and expected_until < $1::date and calendar = $2::text),
    (select min(supervised_from) from permits where state = 'active' and calendar < $2::text),
    (select min(supervised_from) from permits where state = 'active' and calendar > $2::text)
  ) as day
), marked as (
  insert into sweeps as s (name, swept_at) select 'fill', $3::timestamptz from start where day is null
  on conflict (name) do update set swept_at = greatest(s.swept_at, excluded.swept_at), marked_at = clock_timestamp()
)
select day from start;

-- has_overdue --
-- Whether any expected report's deadline has passed.
select exists (select from expected_filings where state = 'expected' and deadline < $1::timestamptz);

-- lock_overdue_permits --
-- Permits with a passed deadline, none of whose reports may still be waiting: neither behind a gate nor for its permit.
select p.permit_id, p.number, p.state, p.nib, p.kbli, p.is_estate, p.regency, p.workers, p.issued_on, p.supervised_from, p.revoked_on,
       p.company, p.company_version
from permits p
where exists (select from expected_filings e where e.permit_id = p.permit_id and e.state = 'expected' and e.deadline < $1::timestamptz)
  and not exists (select from filings f where f.permit_id = p.permit_id and f.state = 'unmatched')
  and not exists (select from gate where gate.consumer = any($2::text[]) and gate.key = p.number)
order by p.permit_id
limit $3
for update of p skip locked;

-- add_warnings --
-- Issue written warnings; a period gets one.
insert into warnings (warning_id, permit_id, due_on, number, missed, issued_at)
select g.warning_id, g.permit_id, g.due_on, g.number, array(select jsonb_array_elements_text(g.missed)::date), $6::timestamptz
from unnest($1::uuid[], $2::uuid[], $3::date[], $4::integer[], $5::jsonb[]) as g(warning_id, permit_id, due_on, number, missed)
order by g.warning_id
on conflict (permit_id, due_on) do nothing;

-- add_notices --
-- Remember what was said, so that the fate of its message can be kept beside it.
insert into notices (event_id, permit_id, type, due_on, subject_id, said_at)
select g.event_id, g.permit_id, g.type, g.due_on, g.subject_id, $6::timestamptz
from unnest($1::uuid[], $2::uuid[], $3::text[], $4::date[], $5::uuid[]) as g(event_id, permit_id, type, due_on, subject_id)
order by g.event_id
on conflict (event_id) do nothing;

-- find_last_changes --
-- When the last change of each permit arrived that was accepted.
select permit_id, max(arrived_at) as arrived_at from permit_news
where permit_id = any($1::uuid[]) and kind = 'changed' and outcome = 'accepted'
group by permit_id;

-- mark_told --
-- Keep the last state of the messages about what was said here; older news changes nothing, what is about others matches nothing.
update notices n set message_state = case when g.told_at >= coalesce(n.told_at, '-infinity') then g.state else n.message_state end,
  told_at = greatest(n.told_at, g.told_at)
from unnest($1::uuid[], $2::text[], $3::timestamptz[]) as g(event_id, state, told_at)
where n.event_id = g.event_id
returning n.event_id;

-- find_request --
-- The answer that was given to a call with this key.
select digest, answer from requests where caller = $1 and key = $2;

-- add_request --
-- Keep the answer to a call with an Idempotency-Key, in the transaction of its effects.
insert into requests (caller, key, digest, answer, taken_at) values ($1, $2, $3, $4::json, $5);

-- lock_request --
-- Let calls with one key wait for each other.
select pg_advisory_xact_lock(hashtextextended($1 || chr(31) || $2, 0));

-- remove_requests --
-- Forget answers that nobody asks for any more, a bounded number at once.
delete from requests where (caller, key) in (select caller, key from requests where taken_at < $1::timestamptz order by taken_at limit $2);

-- mark_swept --
-- Remember how far a recurring duty has come.
insert into sweeps as s (name, swept_at) values ($1, $2)
on conflict (name) do update set swept_at = greatest(s.swept_at, excluded.swept_at), marked_at = clock_timestamp();

-- find_verdict --
-- What became of (source, id): a report's or a permit's news.
select 'filing' as kind, publisher, permit_number, due_on, state as outcome, is_late, errors, warnings, arrived_at, decided_at
from filings where submission_id = $1
union all
select 'permit_' || kind, publisher, null, null, outcome, false, errors, '[]'::jsonb, arrived_at, decided_at
from permit_news where submission_id = $1;

-- find_calendar --
-- One permit's ledger between two days, with the newest report of each period.
select e.permit_id, e.due_on, e.deadline, e.state, e.filing_id, e.filed_at, e.versions, e.missed_at, f.state as last_state, f.errors as last_errors
from expected_filings e
left join lateral (
  select state, errors from filings f where f.permit_id = e.permit_id and f.due_on = e.due_on order by f.arrived_at desc, f.filing_id desc limit 1
) as f on true
where e.permit_id = $1 and e.due_on between $2::date and $3::date
order by e.due_on;

-- count_by_province --
-- The ministry's view: permits, companies, and what became of their reports, by province.
with given as (
  select permit_id, split_part(regency, '.', 1) as province, state, nib from permits
  where cardinality($1::text[]) = 0 or split_part(regency, '.', 1) = any($1::text[]) or regency = any($1::text[])
), held as (
  select province, count(*) as permits_ever, count(*) filter (where state = 'active') as permits_active, count(distinct nib) as companies
  from given group by province
), periods as (
  select province, count(*) filter (where e.state = 'filed') as filed, count(*) filter (where e.state = 'late') as late,
         count(*) filter (where e.missed_at is not null) as missed, count(*) filter (where e.state = 'expected') as expected
  from given join expected_filings e using (permit_id) group by province
), warned as (
  select province, count(*) as warnings from given join warnings using (permit_id) group by province
)
select province, permits_ever, permits_active, companies, coalesce(filed, 0) as filed, coalesce(late, 0) as late,
       coalesce(missed, 0) as missed, coalesce(expected, 0) as expected, coalesce(warnings, 0) as warnings
from held left join periods using (province) left join warned using (province)
order by province;

-- count_overview --
-- A few numbers for the live page.
select
  (select count(*) from permits where state = 'active') as permits_active,
  (select count(*) from permits where state = 'revoked') as permits_revoked,
  (select count(*) from filings where state = 'accepted') as filings_accepted,
  (select count(*) from filings where state = 'accepted' and is_late) as filings_late,
  (select count(*) from filings where state = 'returned') as filings_returned,
  (select count(*) from filings where state = 'refused') as filings_refused,
  (select count(*) from filings where state = 'unmatched') as filings_unmatched,
  (select count(*) from filings where state = 'held') as filings_held,
  (select count(*) from expected_filings where missed_at is not null) as filings_missed,
  (select count(*) from warnings) as warnings,
  (select count(*) from notices where message_state = 'sent') as companies_told;
