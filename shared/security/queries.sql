-- add_keys --
-- Store wrapped keys and return which are new; a key that exists stays, and an erased subject gets none. A key that a rival is making at
-- this moment is waited for, and is a violation: to insert on the condition that nobody does costs each key a fifth more.
insert into keys (subject, box, wrapped, expires_at)
select g.subject, g.box, g.wrapped, $4::timestamptz
from unnest($1::uuid[], $2::text[], $3::bytea[]) as g(subject, box, wrapped)
where not exists (select from tombstones t where t.subject = g.subject offset 0)
  and not exists (select from keys k where k.subject = g.subject and k.box = g.box offset 0)
order by g.subject, g.box
returning subject, box;

-- find_keys --
-- Keys of a set of subjects and boxes, and which of them are erased. Looked up one by one, never as one set: the planner would rather
-- read every key there is (12,000 keys, 120 asked for: 19 ms instead of 0.5).
select g.subject, b.box, k.wrapped, (t.subject is not null or k.expires_at < clock_timestamp()) as is_erased
from unnest($1::uuid[]) as g(subject) cross join unnest($2::text[]) as b(box)
left join lateral (select wrapped, expires_at from keys where subject = g.subject and box = b.box offset 0) as k on true
left join lateral (select subject from tombstones where subject = g.subject offset 0) as t on true;

-- erase_subjects --
-- Leave tombstones and delete the keys: what was sealed under them can never be read again.
with dead as (
  insert into tombstones (subject) select unnest($1::uuid[]) on conflict (subject) do nothing
)
delete from keys where subject = any($1::uuid[]);

-- expire_keys --
-- Turn keys whose time is over into tombstones, a bounded number at once.
with due as (
  select subject from keys where expires_at < clock_timestamp() order by expires_at limit $1
), dead as (
  insert into tombstones (subject) select distinct subject from due on conflict (subject) do nothing
)
delete from keys where subject in (select subject from due);
