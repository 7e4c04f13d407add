-- How many wait per province and sector: counted as people join, under the province's lock, and not by reading the whole queue each time.
create table waitlists (
  province text not null,
  sector text not null,
  waiting integer not null,
  constraint waitlists_pkey primary key (province, sector),
  constraint waitlists_waiting check (waiting >= 0)
) with (fillfactor = 50);

insert into waitlists (province, sector, waiting)
select province, sector, count(*) from seat_requests where state = 'waitlisted' group by province, sector;

-- Whoever audits compares the count with the last position that was given.
drop index seat_requests_queue;
create index seat_requests_queue on seat_requests (province, sector, position) where state = 'waitlisted';
