-- save_workers --
-- Remember workers as they are now; returns those for whom this was news. Facts that newer ones take the place of go to the decision that
-- was made on them: until then they rest here only.
with kept as (
  update decisions d set facts = w.facts
  from unnest($1::uuid[], $4::integer[]) as g(worker_id, facts_version) cross join lateral (
    select facts_version, facts from workers where worker_id = g.worker_id and facts_version < g.facts_version offset 0
  ) as w
  where g.facts_version > 1 and d.worker_id = g.worker_id and d.facts_version = w.facts_version and d.facts is null
)
insert into workers as w (worker_id, ticket_digest, province, facts_version, contact_version, facts, contact, is_erased, heard_at)
select g.*, $9::timestamptz
from unnest($1::uuid[], $2::bytea[], $3::text[], $4::integer[], $5::integer[], $6::text[], $7::text[], $8::boolean[])
  as g(worker_id, ticket_digest, province, facts_version, contact_version, facts, contact, is_erased)
order by g.worker_id
on conflict (worker_id) do update set
  province = excluded.province, facts_version = excluded.facts_version, contact_version = excluded.contact_version,
  facts = excluded.facts, contact = excluded.contact, is_erased = excluded.is_erased, heard_at = excluded.heard_at
where excluded.facts_version > w.facts_version
returning worker_id;

-- find_versions --
-- Which facts of these workers are known.
select worker_id, facts_version from workers where worker_id = any($1::uuid[]);

-- add_decisions --
-- Store what the policy decided. What it decided on rests with the worker while it is the newest, and here where a review needs it. An
-- open review of older facts of these workers has lost its object.
with outdated as (
  update reviews set state = 'superseded', decided_at = $14::timestamptz where worker_id = any($2::uuid[]) and state = 'open'
)
insert into decisions (
  decision_id, worker_id, facts_version, event_id, policy, policy_digest, outcome, programme, score, rules, reasons, facts, decided_on,
  decided_at
)
select g.decision_id, g.worker_id, g.facts_version, g.event_id, g.policy, g.policy_digest, g.outcome, g.programme, g.score,
       string_to_array(g.rules, ','), string_to_array(g.reasons, ','), g.facts, g.decided_on, $14::timestamptz
from unnest($1::uuid[], $2::uuid[], $3::integer[], $4::uuid[], $5::text[], $6::text[], $7::text[], $8::text[], $9::integer[],
            $10::text[], $11::text[], $12::text[], $13::date[])
  as g(decision_id, worker_id, facts_version, event_id, policy, policy_digest, outcome, programme, score, rules, reasons, facts, decided_on);

-- add_reviews --
-- Ask the dinas of the regency.
insert into reviews (review_id, decision_id, worker_id, dinas, state, opened_at, due_at)
select g.*, 'open', $5::timestamptz, $6::timestamptz
from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[]) as g(review_id, decision_id, worker_id, dinas);

-- find_reviews --
-- Reviews with the decision they belong to and the worker as known now.
select r.review_id, r.decision_id, r.worker_id, r.dinas, r.state, r.opened_at, r.due_at, d.facts_version, d.policy, d.programme, d.score,
       d.reasons, d.facts, d.decided_on, w.province, w.contact, w.contact_version, w.facts_version as known_version
from reviews r join decisions d using (decision_id) join workers w on w.worker_id = r.worker_id
where r.review_id = any($1::uuid[]);

-- lock_reviews --
-- The states of reviews, locked, so that each is decided once.
select review_id, state from reviews where review_id = any($1::uuid[]) order by review_id for update;

-- close_reviews --
-- Store what staff decided.
update reviews r set state = g.state, person = g.person, reason = g.reason, decided_at = $5::timestamptz
from unnest($1::uuid[], $2::text[], $3::text[], $4::text[]) as g(review_id, state, person, reason)
where r.review_id = g.review_id and r.state = 'open';

-- add_review_read --
-- Record that a person looked into opened facts.
insert into review_reads (review_id, person, read_at) values ($1, $2, $3);

-- add_requests --
-- Ask for seats, or record where somebody went who is placed already; who has an active request keeps that one.
insert into seat_requests (
  request_id, worker_id, decision_id, facts_version, province, programme, state, referred_to, sector, position, number, decided_at, placed_at
)
select g.*, $12::timestamptz, case when g.state <> 'requested' then $12::timestamptz end
from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::integer[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $10::integer[], $11::bigint[])
  as g(request_id, worker_id, decision_id, facts_version, province, programme, state, referred_to, sector, position, number)
order by g.request_id
on conflict do nothing
returning request_id;

-- find_waiting_provinces --
-- Provinces in which somebody waits to be placed.
select p.code from provinces p
where exists (select from seat_requests r where r.province = p.code and r.state = 'requested')
order by p.code;

-- meet_allocators --
-- Say that a process places people, and forget those that are long gone.
with gone as (
  delete from allocators where member = any(
    array(select member from allocators where seen_at < clock_timestamp() - interval '1 hour' for update skip locked)
  )
)
insert into allocators as a (member, seen_at) values ($1, clock_timestamp())
on conflict (member) do update set seen_at = excluded.seen_at;

-- find_allocators --
-- The processes that place people, seen within so many seconds.
select member from allocators where seen_at >= clock_timestamp() - make_interval(secs => $1) order by member;

-- find_due_provinces --
-- Provinces in which an offer is past its deadline.
select distinct province from offers where state = 'offered' and expires_at <= $1 order by province;

-- try_province --
-- Take the lock of a province's seats, unless another process works on it.
select last_number from provinces where code = $1 for update skip locked;

-- lock_province --
-- Wait for the lock of a province's seats.
select last_number from provinces where code = $1 for update;

-- try_provinces --
-- Take the locks of provinces' seats, in the order of their codes, but for those that another process works on.
select code, last_number from provinces where code = any($1::text[]) order by code for update skip locked;

-- take_requests --
-- The next requests of these provinces in the order in which they were decided.
select r.request_id, r.worker_id, r.facts_version, r.programme, r.province as seat_province, w.facts, w.contact, w.contact_version, w.province
from unnest($1::text[]) as p(code)
cross join lateral (
  select * from seat_requests q where q.province = p.code and q.state = 'requested' order by q.decided_at, q.request_id limit $2
) as r
join workers w using (worker_id)
order by r.decided_at, r.request_id
limit $2;

-- find_places --
-- What placing in provinces depends on, read once their locks are held: incubators that take people at any time, how many wait in each
-- sector's queue, and in which provinces somebody waits to be placed.
select 'incubator' as kind, province, code, name, regency, sectors, seats as number, taken from incubators
where province = any($1::text[]) and intake = 'rolling'
union all
select 'queue', province, sector, null, null, null, waiting, null from waitlists where province = any($1::text[])
union all
select 'waited', g.code, null, null, null, null, null, null from unnest($1::text[]) as g(code)
where exists (select from seat_requests r where r.province = g.code and r.state = 'requested')
order by 1, 2, 3;

-- save_placements --
-- Write where requests went.
update seat_requests r set state = g.state, programme = g.programme, sector = g.sector, position = g.position, number = g.number,
  referred_to = g.referred_to, placed_at = $8::timestamptz
from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::integer[], $6::bigint[], $7::text[])
  as g(request_id, state, programme, sector, position, number, referred_to)
where r.request_id = g.request_id;

-- hold_seats --
-- Hold seats until the deadline; write how many wait in each queue now, and how many placements provinces have recorded.
with queues as (
  insert into waitlists as w (province, sector, waiting)
  select province, sector, count(*) from unnest($1::text[], $2::text[]) as g(province, sector)
  group by province, sector order by province, sector
  on conflict (province, sector) do update set waiting = w.waiting + excluded.waiting
), numbers as (
  update provinces p set last_number = g.last_number from unnest($3::text[], $4::bigint[]) as g(code, last_number)
  where p.code = g.code
), seats as (
  select * from unnest($5::uuid[], $6::uuid[], $7::uuid[], $8::text[], $9::text[])
    as g(offer_id, request_id, worker_id, incubator, province)
), held as (
  update incubators i set taken = i.taken + g.seats
  from (select incubator, count(*)::integer as seats from seats group by incubator) as g
  where i.code = g.incubator
)
insert into offers (offer_id, request_id, worker_id, incubator, province, state, instance, offered_at, expires_at)
select seats.*, 'offered', $10::text, $11::timestamptz, $12::timestamptz from seats;

-- find_worker_by_ticket --
-- Whose ticket it is, by its digest.
select worker_id, facts, is_erased from workers where ticket_digest = $1;

-- find_last_offer --
-- The latest offer to a worker, with what its events need.
select o.offer_id, o.request_id, o.worker_id, o.province, o.incubator, i.name as incubator_name, o.state, o.expires_at,
       r.programme, r.facts_version, w.contact, w.contact_version
from offers o join incubators i on i.code = o.incubator join seat_requests r using (request_id) join workers w on w.worker_id = o.worker_id
where o.worker_id = $1
order by o.offered_at desc, o.offer_id desc
limit 1;

-- find_due_offers --
-- Offers of a province past their deadline, oldest first.
select o.offer_id, o.request_id, o.worker_id, o.province, o.incubator, i.name as incubator_name, o.state, o.expires_at,
       r.programme, r.facts_version, w.contact, w.contact_version
from offers o join incubators i on i.code = o.incubator join seat_requests r using (request_id) join workers w on w.worker_id = o.worker_id
where o.province = $1 and o.state = 'offered' and o.expires_at <= $2
order by o.expires_at, o.offer_id
limit $3;

-- answer_offers --
-- Give offers and their requests their end; what is not accepted frees its seat.
with answered as (
  update offers set state = $2, answered_at = $3
  where offer_id = any($1::uuid[]) and state = 'offered'
  returning request_id, incubator
), closed as (
  update seat_requests r set state = $2 from answered a where r.request_id = a.request_id
), freed as (
  select incubator, count(*)::integer as seats from answered where $2 <> 'accepted' group by incubator
)
update incubators i set taken = i.taken - freed.seats from freed where i.code = freed.incubator;

-- save_provinces --
-- Load the provinces; what is known of their placements stays.
insert into provinces (code, name) select * from unnest($1::text[], $2::text[]) order by 1
on conflict (code) do update set name = excluded.name where provinces.name <> excluded.name;

-- save_incubators --
-- Load the incubators; an incubator never has fewer seats than are held.
insert into incubators as i (code, name, province, regency, sectors, seats, intake, is_assumption)
select g.code, g.name, g.province, g.regency, string_to_array(g.sectors, ','), g.seats, g.intake, g.is_assumption
from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::integer[], $7::text[], $8::boolean[])
  as g(code, name, province, regency, sectors, seats, intake, is_assumption)
order by g.code
on conflict (code) do update set
  name = excluded.name, province = excluded.province, regency = excluded.regency, sectors = excluded.sectors,
  seats = greatest(excluded.seats, i.taken), intake = excluded.intake, is_assumption = excluded.is_assumption;

-- save_training_centres --
-- Load the training centres.
insert into training_centres as t (code, name, places, provinces, sectors, is_assumption)
select g.code, g.name, g.places, string_to_array(g.provinces, ','), string_to_array(g.sectors, ','), g.is_assumption
from unnest($1::text[], $2::text[], $3::integer[], $4::text[], $5::text[], $6::boolean[])
  as g(code, name, places, provinces, sectors, is_assumption)
order by g.code
on conflict (code) do update set
  name = excluded.name, places = excluded.places, provinces = excluded.provinces, sectors = excluded.sectors,
  is_assumption = excluded.is_assumption;

-- count_decisions --
-- Decisions by outcome.
select outcome, count(*)::integer as decisions from decisions group by outcome;

-- count_denials --
-- Denied people by reason; somebody denied for two reasons counts under both.
select reason, count(*)::integer as workers
from decisions cross join lateral unnest(reasons) as reason
where outcome = 'denied' group by reason order by workers desc, reason;

-- count_reviews --
-- Reviews by state.
select state, count(*)::integer as reviews from reviews group by state;

-- count_requests --
-- Seat requests and referrals by state.
select state, count(*)::integer as requests from seat_requests group by state;

-- count_seats --
-- Seats by province.
select province, sum(taken)::integer as taken, sum(seats)::integer as capacity from incubators group by province order by province;
