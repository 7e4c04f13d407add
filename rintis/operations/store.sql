-- take_audit_lock --
-- One audit at a time: the second one goes on from what the first has proven.
select pg_advisory_lock($1);

-- release_audit_lock --
-- Let the next one look.
select pg_advisory_unlock($1);

-- find_marks --
-- How far the earlier audits came.
-- An agreement that an older audit has kept says nothing of what was taken away, and is none.
select service, fold, case when counted_at is not null then agreed_until end as agreed_until, agreed_rows, agreed_removed, counted_at, whole_at
from marks;

-- set_folds --
-- How far this audit came in the ledgers.
insert into marks (service, fold) select * from unnest($1::text[], $2::bigint[]) order by 1
on conflict (service) do update set fold = excluded.fold;

-- set_agreement --
-- Up to when a service's tables agree; nothing where they do not.
insert into marks (service, agreed_until, agreed_rows, agreed_removed, counted_at, whole_at) values ($1, $2, $3, $4, $5, $6)
on conflict (service) do update set agreed_until = excluded.agreed_until, agreed_rows = excluded.agreed_rows,
  agreed_removed = excluded.agreed_removed, counted_at = excluded.counted_at, whole_at = excluded.whole_at;

-- find_open --
-- Minutes that are open.
select edge, minute, events, hash_sum from minutes where not is_closed;

-- find_closed --
-- What named minutes had when they were closed.
select m.edge, m.minute, m.events, m.hash_sum
from unnest($1::text[], $2::timestamptz[]) as g(edge, minute) join minutes m using (edge, minute) where m.is_closed;

-- find_closed_of_edge --
-- What every closed minute of an edge had.
select edge, minute, events, hash_sum from minutes where edge = $1 and is_closed;

-- sum_closed --
-- What the closed minutes of each edge amount to.
select edge, sum(events)::bigint as events, sum(hash_sum) as hash_sum from minutes where is_closed group by edge;

-- set_minutes --
-- Close minutes with their sums, or leave them open.
insert into minutes as m (edge, minute, is_closed, events, hash_sum)
select * from unnest($1::text[], $2::timestamptz[], $3::boolean[], $4::bigint[], $5::numeric[]) order by 1, 2
on conflict (edge, minute) do update
  set is_closed = excluded.is_closed, events = excluded.events, hash_sum = excluded.hash_sum, seen_at = clock_timestamp();

-- add_broken --
-- Keep broken minutes open; one that was closed keeps the sums that it was proven with.
insert into minutes (edge, minute, is_closed, events, hash_sum)
select g.edge, g.minute, false, 0, 0 from unnest($1::text[], $2::timestamptz[]) as g(edge, minute) order by 1, 2
on conflict (edge, minute) do nothing;

-- find_holes --
-- Offsets that held no record.
select edge, topic, partition, offsets from holes;

-- set_hole --
-- So many offsets of a partition held no record.
insert into holes (edge, topic, partition, offsets) values ($1, $2, $3, $4)
on conflict (edge, topic, partition) do update set offsets = excluded.offsets;

-- add_audit --
-- Keep a verdict, and no more than the last of them.
with kept as (insert into audits (verdict) values ($1) returning id)
delete from audits where id <= (select id from kept) - $2;

-- forget --
-- Forget what was proven.
truncate marks, minutes, holes;
