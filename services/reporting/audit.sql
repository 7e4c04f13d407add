-- find_latest --
-- The newest time of a row, looked for from a time on.
select greatest(
  (select max(decided_at) from filings where decided_at >= $1),
  (select max(issued_at) from warnings where issued_at >= $1),
  (select max(said_at) from notices where said_at >= $1)
);

-- count_settled --
-- How many rows of each kind there are, and are older than a time and than a later one: these stay, so another number at the next look tells that some
-- were taken away or put in later. Whole tables are counted once, by an index; what is newer, by its block ranges.
select 'filings' as name, n - newer as settled, n - newest as settles
from (select count(*) as n from filings) as all_,
     (select count(*) as newer, count(*) filter (where decided_at >= $2) as newest from filings where decided_at >= $1) as late
union all
select 'warnings', n - newer, n - newest
from (select count(*) as n from warnings) as all_,
     (select count(*) as newer, count(*) filter (where issued_at >= $2) as newest from warnings where issued_at >= $1) as late
union all
select 'notices', n - newer, n - newest
from (select count(*) as n from notices) as all_,
     (select count(*) as newer, count(*) filter (where said_at >= $2) as newest from notices where said_at >= $1) as late;

-- name_kept --
-- The tables of which nothing is taken away.
select unnest(array['filings', 'warnings', 'notices', 'expected_filings']) as name;

-- find_settling --
-- How many rows of each kind are from a time on and older than a later one, by their block ranges.
select 'filings' as name, count(*) as settling from filings where decided_at >= $1 and decided_at < $2
union all
select 'warnings', count(*) from warnings where issued_at >= $1 and issued_at < $2
union all
select 'notices', count(*) from notices where said_at >= $1 and said_at < $2;

-- find_stopped_sweeps --
-- Recurring duties that no process has looked after for five minutes of real time: the ledger stands still.
select 'sweep_stopped' as kind, name as subject, marked_at as since, 'reached business time ' || swept_at as detail
from sweeps where name = 'fill' and marked_at < clock_timestamp() - interval '5 minutes'
order by marked_at limit 1000;

-- find_overdue_periods --
-- Periods whose deadline passed two business days ago and that nobody closed: what is read of intake may be stuck, or a gate.
select 'period_overdue' as kind, e.permit_id || ' ' || e.due_on as subject, e.deadline as since, 'still expected' as detail
from expected_filings e cross join sweeps s
where s.name = 'fill' and e.state = 'expected' and e.deadline < s.swept_at - interval '2 days'
order by e.deadline limit 1000;

-- find_undecided_filings --
-- Reports that wait longer than any rule lets them: two days for the closing of their period, five for their permit.
select 'filing_undecided' as kind, f.filing_id::text as subject, f.arrived_at as since, f.state as detail
from filings f cross join sweeps s
where s.name = 'fill' and f.state in ('unmatched', 'held')
  and f.arrived_at < s.swept_at - case f.state when 'held' then interval '2 days' else interval '5 days' end
order by f.arrived_at limit 1000;

-- find_unfilled_permits --
-- Active permits whose ledger does not reach a week ahead: their next misses would not be noticed.
select 'permit_unfilled' as kind, p.permit_id::text as subject, p.known_at as since, 'filled until ' || p.expected_until as detail
from permits p cross join sweeps s
where s.name = 'fill' and p.state = 'active' and p.expected_until < (s.swept_at + interval '7 days')::date
  and p.known_at < s.swept_at - interval '1 day'
order by p.known_at limit 1000;

-- find_unwarned_misses --
-- Missed periods without a written warning.
select 'warning_missing' as kind, e.permit_id || ' ' || e.due_on as subject, e.missed_at as since, 'no warning' as detail
from expected_filings e left join warnings w using (permit_id, due_on)
where e.missed_at >= $1 and w.warning_id is null
order by e.missed_at limit 1000;

-- find_groundless_warnings --
-- Warnings for periods that were not missed.
select 'warning_groundless' as kind, w.warning_id::text as subject, w.issued_at as since, 'period is ' || e.state as detail
from warnings w join expected_filings e using (permit_id, due_on)
where e.missed_at is null and w.issued_at >= $1
order by w.issued_at limit 1000;

-- find_unjust_misses --
-- Misses although a report that counts had arrived in time: it was read too late, redriven perhaps, and staff must look at the warning.
select 'miss_unjust' as kind, e.permit_id || ' ' || e.due_on as subject, e.missed_at as since, 'filing ' || min(f.filing_id::text) as detail
from expected_filings e join filings f using (permit_id, due_on)
where (e.missed_at >= $1 or f.decided_at >= $1) and e.missed_at is not null and f.state = 'accepted' and f.arrived_at <= e.deadline
group by e.permit_id, e.due_on, e.missed_at
order by e.missed_at limit 1000;

-- find_miscounted_periods --
-- Periods that count another number of accepted reports than there are.
select case when e.versions > count(f.filing_id) then 'filing_counted_twice' else 'filing_missing_in_ledger' end as kind,
       e.permit_id || ' ' || e.due_on as subject, e.deadline as since,
       e.versions || ' counted, ' || count(f.filing_id) || ' accepted' as detail
from expected_filings e left join filings f on f.permit_id = e.permit_id and f.due_on = e.due_on and f.state = 'accepted'
where e.filed_at >= $1 or (e.permit_id, e.due_on) in (select permit_id, due_on from filings where decided_at >= $1)
group by e.permit_id, e.due_on, e.deadline, e.versions
having e.versions <> count(f.filing_id)
order by e.deadline limit 1000;

-- find_unsaid_verdicts --
-- Accepted or returned reports of which nothing was said.
select 'event_missing' as kind, f.filing_id::text as subject, f.decided_at as since, f.state as detail
from filings f
where f.state in ('accepted', 'returned') and f.decided_at >= $1 and not exists (select from notices n where n.subject_id = f.filing_id)
order by f.decided_at limit 1000;
