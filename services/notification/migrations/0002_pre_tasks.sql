-- Tasks for staff, and the staff as the callers file names them.

create table staff (
  person text not null,
  roles text[] not null,
  regions text[] not null,
  is_active boolean not null,
  constraint staff_pkey primary key (person)
);

create table tasks (
  id uuid not null,
  kind text not null,
  case_id uuid not null,
  about uuid not null,
  dinas text not null,
  programme text,
  reasons text[] not null,
  link text not null,
  state text not null,
  assignee text,
  claimed_by text,
  opened_at timestamptz not null,
  due_at timestamptz not null,
  completed_at timestamptz,
  outcome text,
  reason text,
  revision integer not null default 0,
  created_at timestamptz not null default clock_timestamp(),
  constraint tasks_pkey primary key (id),
  constraint tasks_case_once unique (kind, case_id),
  constraint tasks_state check (state in ('open', 'claimed', 'completed')),
  constraint tasks_has_person check (state = 'open' or claimed_by is not null),
  constraint tasks_has_outcome check ((state = 'completed') = (outcome is not null)),
  constraint tasks_outcome check (outcome in ('approve', 'reject'))
) with (fillfactor = 80);
create index tasks_unfinished on tasks (kind, due_at, id) where state <> 'completed';
create index tasks_of_assignee on tasks (assignee) where state <> 'completed';
create index tasks_of_dinas on tasks (dinas, state);
