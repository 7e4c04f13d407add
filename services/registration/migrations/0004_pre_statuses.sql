-- What was heard of each worker, a table per consumer: consumers that write one row between them wait for each other's commits.

create table worker_decisions (
  worker_id uuid not null,
  decision text not null,
  programme text not null,
  reasons text[] not null,
  decided_at timestamptz not null,
  constraint worker_decisions_pkey primary key (worker_id)
) with (fillfactor = 90);

create table worker_placements (
  worker_id uuid not null,
  placement text not null,
  name text,
  until timestamptz,
  position integer,
  placed_at timestamptz not null,
  constraint worker_placements_pkey primary key (worker_id)
) with (fillfactor = 80);

create table worker_messages (
  worker_id uuid not null,
  message text not null,
  channel text,
  message_at timestamptz not null,
  constraint worker_messages_pkey primary key (worker_id)
) with (fillfactor = 70);

insert into worker_decisions (worker_id, decision, programme, reasons, decided_at)
select worker_id, decision, coalesce(decision_programme, ''), decision_reasons, decided_at from statuses
where decision is not null;

insert into worker_placements (worker_id, placement, name, until, position, placed_at)
select worker_id, placement, placement_name, placement_until, placement_position, placed_at from statuses
where placement is not null;

insert into worker_messages (worker_id, message, channel, message_at)
select worker_id, message, message_channel, message_at from statuses where message is not null;

drop table statuses;
