-- The flow ledger in two parts: what batches append, and the cells into which it is folded. What is read is both together.

-- One row per cell. `fold` numbers the run that touched it last: runs are one at a time, so a reader that has seen
-- run n finds in a higher number all that was changed since, whatever the order of commits of the batches themselves.
create table flow_cells (
  direction text not null,
  party text not null,
  topic text not null,
  minute timestamptz not null,
  partition integer not null,
  outcome text not null,
  events bigint not null,
  hash_sum numeric not null,
  fold bigint not null,
  constraint flow_cells_pkey primary key (direction, party, topic, minute, partition, outcome),
  constraint flow_cells_direction check (direction in ('said', 'heard', 'door'))
) with (fillfactor = 80);
create index flow_cells_by_fold on flow_cells (fold);

create view ledger as
select direction, party, topic, minute, partition, outcome, events, hash_sum from flow_cells
union all
select direction, party, topic, minute, partition, outcome, events, hash_sum from flow;
