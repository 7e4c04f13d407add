-- create_tables --
-- Everything that the floor writes: one row a registration in each table, and the seats.
create table registrations (
  id uuid not null constraint registrations_pkey primary key,
  reference text not null,
  nik text not null,
  kk text,
  name text not null,
  birth_date date not null,
  phone text,
  email text,
  address text,
  regency text not null,
  citizenship text not null,
  employment_status text not null,
  layoff_on date not null,
  employer text not null,
  employer_kbli text,
  layoff_letter text,
  in_formal_education boolean not null,
  profession text not null,
  other_aid text[] not null,
  dependants smallint not null,
  skills text[] not null,
  business_plan jsonb,
  created_at timestamptz not null default clock_timestamp()
);
create index registrations_nik on registrations (nik, layoff_on);
create table refusals (
  id uuid not null constraint refusals_pkey primary key,
  created_at timestamptz not null default clock_timestamp()
);
create table scores (
  id uuid not null constraint scores_pkey primary key,
  is_eligible boolean not null,
  points smallint not null,
  reasons text[] not null,
  created_at timestamptz not null default clock_timestamp()
);
create table incubators (
  id integer not null constraint incubators_pkey primary key,
  province text not null,
  sector text not null,
  seats integer not null,
  taken integer not null default 0 constraint incubators_taken check (taken between 0 and seats)
) with (fillfactor = 20);
create table placements (
  id uuid not null constraint placements_pkey primary key,
  outcome text not null,
  incubator integer,
  created_at timestamptz not null default clock_timestamp()
);
create index placements_incubator on placements (incubator);
create table messages (
  id uuid not null constraint messages_pkey primary key,
  channel text not null,
  address text not null,
  body text not null,
  state text not null default 'due',
  created_at timestamptz not null default clock_timestamp()
);
create table tasks (
  number bigint generated always as identity,
  id uuid not null constraint tasks_pkey primary key,
  kind text not null,
  province text not null,
  incubator integer,
  due_on date not null,
  state text not null default 'open',
  created_at timestamptz not null default clock_timestamp()
);
create index tasks_queue on tasks (province, state, due_on);

-- add_incubators --
-- The incubators of a run.
insert into incubators (id, province, sector, seats) select * from unnest($1::int[], $2::text[], $3::text[], $4::int[]);

-- list_incubators --
-- What the placing process holds in memory.
select id, province, sector, seats - taken as seats from incubators;

-- add_registrations --
-- Registrations of a batch.
insert into registrations (id, reference, nik, kk, name, birth_date, phone, email, address, regency, citizenship,
  employment_status, layoff_on, employer, employer_kbli, layoff_letter, in_formal_education, profession, other_aid, dependants,
  skills, business_plan)
select id, reference, nik, kk, name, birth_date, phone, email, address, regency, citizenship, employment_status, layoff_on,
  employer, employer_kbli, layoff_letter, in_formal_education, profession, other_aid::text[], dependants, skills::text[],
  business_plan
from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::date[], $7::text[], $8::text[], $9::text[],
  $10::text[], $11::text[], $12::text[], $13::date[], $14::text[], $15::text[], $16::text[], $17::boolean[], $18::text[],
  $19::text[], $20::smallint[], $21::text[], $22::jsonb[])
  as g(id, reference, nik, kk, name, birth_date, phone, email, address, regency, citizenship, employment_status, layoff_on,
    employer, employer_kbli, layoff_letter, in_formal_education, profession, other_aid, dependants, skills, business_plan)
on conflict do nothing;

-- add_refusals --
-- What was no registration.
insert into refusals (id) select unnest($1::uuid[]) on conflict do nothing;

-- add_scores --
-- Scores of a batch.
insert into scores (id, is_eligible, points, reasons)
select id, is_eligible, points, reasons::text[] from unnest($1::uuid[], $2::boolean[], $3::smallint[], $4::text[])
  as g(id, is_eligible, points, reasons)
on conflict do nothing;

-- add_placements --
-- Placements of a batch.
insert into placements (id, outcome, incubator) select * from unnest($1::uuid[], $2::text[], $3::int[]) on conflict do nothing;

-- take_seats --
-- Seats of a batch; the table's check refuses more than there are.
update incubators i set taken = i.taken + g.seats from unnest($1::int[], $2::int[]) as g(id, seats) where i.id = g.id;

-- add_messages --
-- Messages of a batch.
insert into messages (id, channel, address, body) select * from unnest($1::uuid[], $2::text[], $3::text[], $4::text[])
on conflict do nothing;

-- add_tasks --
-- Staff tasks of a batch.
insert into tasks (id, kind, province, incubator, due_on)
select * from unnest($1::uuid[], $2::text[], $3::text[], $4::int[], $5::date[]) on conflict do nothing;
