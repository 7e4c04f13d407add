-- Parents are written by the same transaction or an earlier one, and never deleted: a check per row cost more than the row's own
-- indexes. `rintis audit` looks for decisions, requests and offers that do not fit together.
alter table decisions drop constraint decisions_worker;
alter table seat_requests drop constraint seat_requests_decision;
alter table offers drop constraint offers_request, drop constraint offers_incubator;
