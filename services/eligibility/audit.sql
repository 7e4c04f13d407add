-- find_latest --
-- The newest time of a row, looked for from a time on.
select greatest(
  (select max(heard_at) from workers where heard_at >= $1),
  (select max(decided_at) from decisions where decided_at >= $1),
  (select max(offered_at) from offers where offered_at >= $1)
);

-- count_settled --
-- How many rows of each kind there are, and are older than a time and than a later one: these stay, so another number at the next look tells that some
-- were taken away or put in later. Whole tables are counted once, by an index; what is newer, by its block ranges.
select 'workers' as name, n - newer as settled, n - newest as settles
from (select count(*) as n from workers) as all_,
     (select count(*) as newer, count(*) filter (where heard_at >= $2) as newest from workers where heard_at >= $1) as late
union all
select 'decisions', n - newer, n - newest
from (select count(*) as n from decisions) as all_,
     (select count(*) as newer, count(*) filter (where decided_at >= $2) as newest from decisions where decided_at >= $1) as late
union all
select 'offers', n - newer, n - newest
from (select count(*) as n from offers) as all_,
     (select count(*) as newer, count(*) filter (where offered_at >= $2) as newest from offers where offered_at >= $1) as late;

-- name_kept --
-- The tables of which nothing is taken away.
select unnest(array['workers', 'decisions', 'reviews', 'seat_requests', 'offers']) as name;

-- find_settling --
-- How many rows of each kind are from a time on and older than a later one, by their block ranges.
select 'workers' as name, count(*) as settling from workers where heard_at >= $1 and heard_at < $2
union all
select 'decisions', count(*) from decisions where decided_at >= $1 and decided_at < $2
union all
select 'offers', count(*) from offers where offered_at >= $1 and offered_at < $2;

-- find_proven_news --
-- The same as the next of what is from a time on: a transaction gives its rows one time, so what belongs together is on the same side of it. Where
-- it is not, the statements are run. Versions are part of the sums.
with heard as (
  select count(*) as n, sum(uuid_hash_extended(worker_id, facts_version)) as people from workers where heard_at >= $1 and not is_erased
), decided as (
  select count(*) as n, sum(uuid_hash_extended(worker_id, facts_version)) as people,
         count(*) filter (where outcome = 'confirmed') as confirmed,
         coalesce(sum(uuid_hash_extended(decision_id, 0)) filter (where outcome = 'confirmed'), 0) as ids
  from decisions where decided_at >= $1
), approved as (
  select count(*) as confirmed, coalesce(sum(uuid_hash_extended(decision_id, 0)), 0) as ids
  from reviews r join decisions d using (decision_id) where r.state = 'approved' and r.decided_at >= $1 and d.outcome <> 'confirmed'
), asked as (
  select count(*) as n, coalesce(sum(uuid_hash_extended(decision_id, 0)), 0) as ids from seat_requests where decided_at >= $1
), offered as (
  select count(*) as n, coalesce(sum(uuid_hash_extended(request_id, 0)), 0) as ids from offers where offered_at >= $1
), placed as (
  select count(*) as n, coalesce(sum(uuid_hash_extended(request_id, 0)), 0) as ids from seat_requests where placed_at >= $1 and state in ('offered', 'accepted')
)
select unnest(array['find_undecided_workers', 'find_orphan_decisions']) as statement
from heard h join decided d on (h.n, h.people) is not distinct from (d.n, d.people)
union all
select unnest(array['find_confirmed_without_request', 'find_orphan_requests'])
from decided d cross join approved a join asked q on (q.n, q.ids) = (d.confirmed + a.confirmed, d.ids + a.ids)
union all
select 'find_orphan_offers' from offered o join placed p on (o.n, o.ids) = (p.n, p.ids);

-- find_proven --
-- Statements below that can find nothing in any row: of first versions the ids that they compare are as many on both sides, with equal 64-bit
-- sums; the few later ones are looked up. A pass over each table costs a fraction of what joining them does.
with heard as (
  select count(*) as n, sum(uuid_hash_extended(worker_id, 0)) as people from workers
), decided as (
  select count(*) as n, sum(uuid_hash_extended(worker_id, 0)) as people,
         count(*) filter (where outcome = 'confirmed') as confirmed, sum(uuid_hash_extended(decision_id, 0)) filter (where outcome = 'confirmed') as ids
  from decisions where facts_version = 1
), approved as (
  select count(*) as confirmed, coalesce(sum(uuid_hash_extended(decision_id, 0)), 0) as ids
  from reviews join decisions using (decision_id) where state = 'approved' and outcome <> 'confirmed' and facts_version = 1
), asked as (
  select count(*) as n, sum(uuid_hash_extended(decision_id, 0)) as ids from seat_requests where facts_version = 1
), later as materialized (
  select worker_id, decision_id, outcome from decisions where facts_version > 1
)
select 'find_undecided_workers' as statement from heard h join decided d on (h.n, h.people) = (d.n, d.people)
where not exists (
  select from workers w where w.facts_version > 1
  and not exists (select from decisions d where d.worker_id = w.worker_id and d.facts_version = w.facts_version)
)
union all
select 'find_orphan_decisions' from heard h join decided d on (h.n, h.people) = (d.n, d.people)
where not exists (select from later l where not exists (select from workers w where w.worker_id = l.worker_id))
union all
select 'find_confirmed_without_request'
from decided d cross join approved a join asked q on (q.n, q.ids) = (d.confirmed + a.confirmed, d.ids + a.ids)
where not exists (
  select from later l
  where (l.outcome = 'confirmed' or exists (select from reviews r where r.decision_id = l.decision_id and r.state = 'approved'))
  and not exists (select from seat_requests s where s.worker_id = l.worker_id)
)
union all
select 'find_orphan_requests'
from decided d cross join approved a join asked q on (q.n, q.ids) = (d.confirmed + a.confirmed, d.ids + a.ids)
where not exists (
  select from seat_requests s where s.facts_version > 1 and not exists (select from decisions d where d.decision_id = s.decision_id)
);

-- find_undecided_workers --
-- Workers who were heard of and have neither a decision on their facts nor an erasure.
select 'worker_undecided' as kind, w.worker_id::text as subject, w.heard_at as since, 'facts version ' || w.facts_version as detail
from workers w
where not w.is_erased and w.heard_at >= $1
  and not exists (select from decisions d where d.worker_id = w.worker_id and d.facts_version = w.facts_version)
order by w.heard_at limit 1000;

-- find_unasked_reviews --
-- Decisions that ask for a review which nobody has.
select 'review_missing' as kind, d.worker_id::text as subject, d.decided_at as since, 'decision ' || d.decision_id as detail
from decisions d
where d.outcome = 'review' and d.decided_at >= $1 and not exists (select from reviews r where r.decision_id = d.decision_id)
order by d.decided_at limit 1000;

-- find_confirmed_without_request --
-- Confirmed people without a seat request or a referral of any version.
select 'confirmed_without_request' as kind, c.worker_id::text as subject, c.decided_at as since, 'programme ' || c.programme as detail
from (
  select worker_id, decided_at, programme from decisions where outcome = 'confirmed' and decided_at >= $1
  union all
  select d.worker_id, d.decided_at, d.programme from reviews r join decisions d using (decision_id)
  where r.state = 'approved' and r.decided_at >= $1 and d.outcome <> 'confirmed'
) as c
where not exists (select from seat_requests s where s.worker_id = c.worker_id)
order by c.decided_at limit 1000;

-- find_unplaced_requests --
-- Requests passed over by the allocator: the same province has placed later ones.
with waiting as materialized (
  select request_id, province, decided_at from seat_requests where state = 'requested'
), placed as (
  select province, max(decided_at) as latest from seat_requests
  where number is not null and decided_at > (select min(decided_at) from waiting) group by province
)
select 'request_passed_over' as kind, r.request_id::text as subject, r.decided_at as since, 'province ' || r.province as detail
from waiting r join placed p using (province)
where p.latest > r.decided_at + interval '1 hour'
order by r.decided_at limit 1000;

-- find_requests_nowhere --
-- Requests of a province that the reference data does not know: no allocator will ever take them.
select 'province_unknown' as kind, r.request_id::text as subject, r.decided_at as since, 'province ' || r.province as detail
from seat_requests r
where r.state = 'requested' and not exists (select from provinces p where p.code = r.province)
order by r.decided_at limit 1000;

-- find_double_seats --
-- Workers who hold two seats: looked for where no valid unique index forbids it.
select 'seat_double' as kind, worker_id::text as subject, min(offered_at) as since, count(*) || ' active offers' as detail
from offers
where state in ('offered', 'accepted')
  and not exists (select from pg_index where indexrelid = to_regclass('offers_one_active') and indisvalid)
group by worker_id having count(*) > 1
order by 3 limit 1000;

-- find_miscounted_incubators --
-- Incubators whose count of held seats is not the number of their active offers, or is above their capacity.
select 'seats_miscounted' as kind, i.code as subject, max(o.offered_at) as since,
       'taken ' || i.taken || ' of ' || i.seats || ', active offers ' || count(o.offer_id) as detail
from incubators i left join offers o on o.incubator = i.code and o.state in ('offered', 'accepted')
group by i.code, i.taken, i.seats having i.taken <> count(o.offer_id) or i.taken > i.seats
order by i.code limit 1000;

-- find_miscounted_waitlists --
-- Queues whose count is not the last position that was given: nobody leaves a queue.
select 'queue_miscounted' as kind, w.province || ' ' || w.sector as subject, null::timestamptz as since,
       'waiting ' || w.waiting || ', last position ' || coalesce(last.position, 0) as detail
from waitlists w left join lateral (
  select position from seat_requests r where r.province = w.province and r.sector = w.sector and r.state = 'waitlisted'
  order by position desc limit 1
) as last on true
where w.waiting <> coalesce(last.position, 0)
order by 2 limit 1000;

-- find_offers_out_of_step --
-- Requests called offered or accepted without an offer in that state: of those placed or answered from a time on.
select 'offer_missing' as kind, r.request_id::text as subject, r.placed_at as since, 'state ' || r.state as detail
from (
  select request_id, placed_at, state from seat_requests where placed_at >= $1
  union
  select request_id, r.placed_at, r.state from offers o join seat_requests r using (request_id) where o.answered_at >= $1
) as r
where r.state in ('offered', 'accepted')
  and not exists (select from offers o where o.request_id = r.request_id and o.state = r.state)
order by r.placed_at limit 1000;

-- find_overdue_offers --
-- Offers that hold a seat although later offers have been closed by their deadline: this one was forgotten.
select 'offer_overdue' as kind, o.offer_id::text as subject, o.expires_at as since, 'incubator ' || o.incubator as detail
from offers o
join (select province, max(expires_at) as latest from offers where state = 'expired' group by province) as closed using (province)
where o.state = 'offered' and closed.latest > o.expires_at + interval '1 hour'
order by o.expires_at limit 1000;

-- find_orphan_decisions --
-- Decisions without their worker.
select 'decision_without_worker' as kind, d.decision_id::text as subject, d.decided_at as since, 'worker ' || d.worker_id as detail
from decisions d where d.decided_at >= $1 and not exists (select from workers w where w.worker_id = d.worker_id)
order by d.decided_at limit 1000;

-- find_orphan_requests --
-- Requests without their decision.
select 'request_without_decision' as kind, r.request_id::text as subject, r.decided_at as since, 'decision ' || r.decision_id as detail
from seat_requests r where r.decided_at >= $1 and not exists (select from decisions d where d.decision_id = r.decision_id)
order by r.decided_at limit 1000;

-- find_orphan_offers --
-- Offers without their request.
select 'offer_without_request' as kind, o.offer_id::text as subject, o.offered_at as since, 'request ' || o.request_id as detail
from offers o where o.offered_at >= $1 and not exists (select from seat_requests r where r.request_id = o.request_id)
order by o.offered_at limit 1000;
