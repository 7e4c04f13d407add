-- count_ledger --
-- How many permits owe a report on a day.
select count(*) as permits from expected_filings where due_on = $1;

-- count_filings --
-- How many reports for a day stand in each state, and how many periods are still open.
select (select count(*) from expected_filings where due_on = $1 and state = 'expected') as open,
       count(*) filter (where state = 'accepted') as accepted, count(*) as filings
from filings where due_on = $1;

-- find_periods --
-- What became of each permit's report for a day.
select p.number, e.state, e.versions, e.missed_at from expected_filings e join permits p using (permit_id) where e.due_on = $1;

-- create_bare --
-- The database of the bare door.
create database rintis_bare_door;

-- count_submissions --
-- What our door has taken.
select count(*) from submissions where verdict = 'accepted';

-- count_deferred --
-- How much of what our door has kept is still to be decided.
select coalesce(sum(items), 0) from deferred_calls;

-- count_bodies --
-- What the bare door has taken.
select count(*) from bodies;

-- count_list --
-- What a layoff list has led to.
select (select count(*) from evidence) as evidence, (select count(*) from persons where state = 'preregistered') as preregistered,
       (select count(*) from submissions) as submissions;
