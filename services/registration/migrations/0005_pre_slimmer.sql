-- What a registration costs, once more: six of its index entries nobody asks for.

-- Four random places per person and a sixth of what registering costs PostgreSQL. Nothing looks for alike people yet; what will, makes the index.
alter table near_tokens drop constraint near_tokens_pkey;

-- Nobody asks for a person's submissions.
drop index submissions_of_person;

-- Who is only claimed has no ticket yet, and needs no place among them.
alter table persons drop constraint persons_ticket_once;
create unique index persons_ticket_once on persons (ticket) where ticket is not null;

-- A submission is written once, with its verdict: no room is left for a second version.
alter table submissions reset (fillfactor);
