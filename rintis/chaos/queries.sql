-- list_submissions --
-- registration: everything that came in, with its verdict.
select submission_id::text, reference_id::text, kind, door, publisher, verdict, person_id::text, refusal_id::text from submissions;

-- list_registrations --
-- registration: who is registered, by which submission, and the event that was to tell of it.
select person_id::text, submission_id::text, event_id::text from registrations;

-- list_statuses --
-- registration: the last decision and placement that were heard per worker.
select worker_id::text, d.decision, p.placement from worker_decisions d full join worker_placements p using (worker_id);

-- list_workers --
-- eligibility: who was heard of.
select worker_id::text, is_erased from workers;

-- list_decisions --
-- eligibility: decisions, with the review that some became.
select d.decision_id::text, d.worker_id::text, d.facts_version, d.event_id::text, d.outcome, d.programme, r.review_id::text, r.state as review
from decisions d left join reviews r using (decision_id);

-- list_seat_requests --
-- eligibility: who asked for a seat, and what became of it.
select request_id::text, worker_id::text, decision_id::text, state, referred_to from seat_requests;

-- list_offers --
-- eligibility: seats offered.
select offer_id::text, request_id::text, worker_id::text, incubator, state from offers;

-- list_incubators --
-- eligibility: seats and how many are said to be taken.
select code, seats, taken from incubators;

-- list_messages --
-- notification: what is to be told; `newer` is a newer truth of the same matter that was known before the provider took this one.
with outdated as (
  select m.id
  from messages m
  join messages n on n.subject_id = m.subject_id and n.thread = m.thread and n.facts_version > m.facts_version
  join attempts a on a.message_id = m.id and a.answer = 'taken' and n.created_at < a.started_at
)
select id::text, event_id::text, subject_id::text, template, channel, state, reason, attempts, id in (select id from outdated) as newer
from messages;

-- list_tasks --
-- notification: tasks for staff.
select id::text, kind, case_id::text, about::text from tasks;

-- list_permits --
-- reporting: permits as they stand.
select permit_id::text, number, state, workers from permits;

-- list_permit_news --
-- reporting: what became of news about permits.
select submission_id::text, kind, outcome from permit_news;

-- list_filings --
-- reporting: reports with what was decided; `is_waiting` where nothing is left to wait for.
select f.filing_id::text, f.submission_id::text, f.permit_id::text, f.due_on::text, f.state,
  (f.state = 'unmatched' and exists (select from permits p where p.permit_id = f.permit_id))
    or (f.state = 'held' and exists (
      select from expected_filings e where e.permit_id = f.permit_id and e.due_on = f.due_on and e.state <> 'expected')) as is_waiting
from filings f;

-- list_periods --
-- reporting: how many reports each period counts.
select permit_id::text, due_on::text, versions from expected_filings where versions > 0;

-- list_notices --
-- reporting: what was said, and whether its message's fate was heard.
select event_id::text, type, subject_id::text, message_state from notices;

-- list_dead_letters --
-- every service: records set aside for good.
select consumer, topic, partition, record_offset, event_id::text, reason, field from dead_letters;

-- list_gates --
-- every service: keys that wait, and how many records wait behind each.
select g.consumer, g.topic, g.key, g.is_held, g.reason,
  (select count(*) from parked p where p.consumer = g.consumer and p.topic = g.topic and p.key = g.key)::int as parked
from gate g;

-- list_parked --
-- every service: records that wait behind their keys' gates.
select consumer, topic, partition, record_offset from parked;

-- list_outbox --
-- every service: events that are not on their topics yet.
select topic, key, sequence, event_id::text from outbox;

-- list_sequences --
-- every service: how many events each key has on each topic.
select topic, key, last from sequences;

-- list_positions --
-- every service: how far its consumers have read.
select consumer, topic, partition, next_offset from progress;

-- count_moving --
-- every service: what is on its way inside of it.
select ((select count(*) from outbox) + (select count(*) from gate where not is_held))::int as moving;

-- count_moving_registration --
-- registration: what is on its way.
select count(*)::int as moving from submissions where verdict is null;

-- count_moving_eligibility --
-- eligibility: what is on its way.
select count(*)::int as moving from seat_requests where state = 'requested';

-- count_moving_notification --
-- notification: what is on its way.
select count(*)::int as moving from messages where state = 'waiting';

-- count_moving_reporting --
-- reporting: what is on its way.
select count(*)::int as moving from filings f
where (f.state = 'unmatched' and exists (select from permits p where p.permit_id = f.permit_id))
   or (f.state = 'held' and exists (
     select from expected_filings e where e.permit_id = f.permit_id and e.due_on = f.due_on and e.state <> 'expected'));
