-- Incubators, who asked for a seat, and who holds one.

-- A province's row is the lock under which its seats move; `last_number` counts its placements in order.
create table provinces (
  code text not null,
  name text not null,
  last_number bigint not null default 0,
  constraint provinces_pkey primary key (code)
) with (fillfactor = 50);

-- `taken` counts accepted seats and unexpired offers.
create table incubators (
  code text not null,
  name text not null,
  province text not null,
  regency text,
  sectors text[] not null,
  seats integer not null,
  taken integer not null default 0,
  intake text not null,
  is_assumption boolean not null,
  constraint incubators_pkey primary key (code),
  constraint incubators_province foreign key (province) references provinces (code),
  constraint incubators_intake check (intake in ('rolling', 'round')),
  constraint incubators_capacity check (taken >= 0 and taken <= seats)
) with (fillfactor = 50);
create index incubators_of_province on incubators (province);

create table training_centres (
  code text not null,
  name text not null,
  places integer not null,
  provinces text[] not null,
  sectors text[] not null,
  is_assumption boolean not null,
  constraint training_centres_pkey primary key (code)
);

-- `number` is the place in the recorded order of the province; with it any placement can be done again.
create table seat_requests (
  request_id uuid not null,
  worker_id uuid not null,
  decision_id uuid not null,
  facts_version integer not null,
  province text not null,
  programme text not null,
  state text not null,
  decided_at timestamptz not null,
  sector text,
  position integer,
  number bigint,
  referred_to text,
  placed_at timestamptz,
  constraint seat_requests_pkey primary key (request_id),
  constraint seat_requests_once unique (worker_id, facts_version),
  constraint seat_requests_decision foreign key (decision_id) references decisions (decision_id),
  constraint seat_requests_state check (
    state in ('requested', 'offered', 'accepted', 'declined', 'expired', 'waitlisted', 'referred', 'erased')
  ),
  constraint seat_requests_placed check ((state = 'requested') = (placed_at is null))
) with (fillfactor = 70);
create unique index seat_requests_one_active on seat_requests (worker_id)
  where state in ('requested', 'offered', 'accepted', 'waitlisted');
create index seat_requests_pending on seat_requests (province, decided_at, request_id) where state = 'requested';
create index seat_requests_queue on seat_requests (province, sector) where state = 'waitlisted';

create table offers (
  offer_id uuid not null,
  request_id uuid not null,
  worker_id uuid not null,
  province text not null,
  incubator text not null,
  state text not null,
  instance text not null,
  offered_at timestamptz not null,
  expires_at timestamptz not null,
  answered_at timestamptz,
  constraint offers_pkey primary key (offer_id),
  constraint offers_request foreign key (request_id) references seat_requests (request_id),
  constraint offers_incubator foreign key (incubator) references incubators (code),
  constraint offers_state check (state in ('offered', 'accepted', 'declined', 'expired')),
  constraint offers_answered check ((state = 'offered') = (answered_at is null))
);
create unique index offers_one_active on offers (worker_id) where state in ('offered', 'accepted');
create index offers_due on offers (expires_at) where state = 'offered';
create index offers_of_request on offers (request_id);
create index offers_of_incubator on offers (incubator) where state in ('offered', 'accepted');
