-- find_submissions --
-- What became of everything that came to registration.
select reference_id, refusal_id, person_id, kind, door, verdict,
  array(select reason ->> 'code' from jsonb_array_elements(reasons) as reason) as reasons
from submissions;

-- find_decisions --
-- Every decision with its review and its placement; one row per decision and placement.
select d.worker_id, d.outcome, d.reasons, coalesce(r.state, '') as review,
  coalesce(s.state, '') as seat, coalesce(s.referred_to, '') as referred_to
from decisions d
left join reviews r on r.decision_id = d.decision_id
left join seat_requests s on s.decision_id = d.decision_id;

-- find_incubators --
-- Seats and who holds them, counted from the offers and not from the counter.
select i.code, i.seats, i.taken,
  (select count(*) from offers o where o.incubator = i.code and o.state in ('offered', 'accepted')) as held
from incubators i;

-- find_holders --
-- Workers who hold more than one seat: there must be none.
select worker_id from offers where state in ('offered', 'accepted') group by worker_id having count(*) > 1;

-- find_messages --
-- Messages about due days up to the last one of the demo, and all that are about no due day.
select subject_id, split_part(template, '.', 1) as template, coalesce(channel, '') as channel, state, reason, count(*) as messages
from messages
where coalesce(parameters ->> 'due_on', parameters -> 'missed' ->> -1, '') <= $1
group by 1, 2, 3, 4, 5;

-- count_tasks --
-- Staff tasks by state and outcome.
select state, coalesce(outcome, '') as outcome, count(*) as tasks from tasks group by 1, 2;

-- find_periods --
-- The ledger of expected reports up to the last due day of the demo.
select p.permit_id, p.number, e.due_on, e.state, e.missed_at is not null as was_missed, coalesce(w.number, 0) as warning
from permits p
join expected_filings e on e.permit_id = p.permit_id and e.due_on <= $1::date
left join warnings w on w.permit_id = e.permit_id and w.due_on = e.due_on;

-- find_filings --
-- Reports by permit, due day and state, with the codes they were returned for.
select permit_number, due_on, state,
  array(select error ->> 'code' from jsonb_array_elements(errors) as error) as errors
from filings;

-- count_unfinished --
-- What a service has still to hand over or to release.
select (select count(*) from outbox) as outbox, (select count(*) from gate) as gates,
  (select count(*) from dead_letters) as dead;

-- count_verdicts --
-- How many registrations and lines of layoff lists have their verdict.
select kind, verdict, count(*) as submissions from submissions where verdict is not null group by 1, 2;

-- count_decided --
-- How many workers are decided, how many reviews and seat requests are open.
select (select count(*) from decisions) as decided, (select count(*) from reviews where state = 'open') as reviews,
  (select count(*) from seat_requests where state = 'requested') as requests,
  (select count(*) from offers where state = 'accepted') as accepted;

-- count_messages --
-- Messages by channel and state, those about later due days left out.
select coalesce(channel, 'none') as channel, state, count(*) as messages
from messages
where coalesce(parameters ->> 'due_on', parameters -> 'missed' ->> -1, '') <= $1
group by 1, 2 order by 1, 2;

-- count_overdue --
-- Periods up to a due day that nobody has closed, and reports that still wait.
select (select count(*) from expected_filings where due_on <= $1::date and state = 'expected') as open,
  (select count(*) from filings where state in ('held', 'unmatched')) as waiting,
  (select count(*) from filings) as filings, (select count(*) from permits) as permits;

-- count_offers --
-- Offers that nobody has answered yet.
select count(*) filter (where state = 'offered') as open, count(*) as offers from offers;
