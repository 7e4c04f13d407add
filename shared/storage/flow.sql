-- lock_fold --
-- One fold at a time: the next begins when this one's rows are there to be seen.
select pg_try_advisory_xact_lock($1);

-- fold_flow --
-- Move rows of a certain age from the appended part of the ledger into its cells. A row that is committed late is simply met by a later run.
with taken as (
  delete from flow where id in (
    select id from flow where recorded_at < clock_timestamp() - make_interval(secs => $1) order by id limit $2
  )
  returning direction, party, topic, minute, partition, outcome, events, hash_sum
), folded as (
  insert into flow_cells as c (direction, party, topic, minute, partition, outcome, events, hash_sum, fold)
  select direction, party, topic, minute, partition, outcome, sum(events), sum(hash_sum),
         (select coalesce(max(fold), 0) + 1 from flow_cells)
  from taken group by direction, party, topic, minute, partition, outcome
  order by direction, party, topic, minute, partition, outcome
  on conflict (direction, party, topic, minute, partition, outcome)
    do update set events = c.events + excluded.events, hash_sum = c.hash_sum + excluded.hash_sum, fold = excluded.fold
)
select count(*) from taken;
