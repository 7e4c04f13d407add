-- How each subject can be reached, sealed, once: messages that still wait use the newest that is known, and stay small.

create table contacts (
  subject_id uuid not null,
  box text not null,
  version integer not null,
  sealed text not null,
  constraint contacts_pkey primary key (subject_id, box),
  constraint contacts_box check (box in ('contact', 'company'))
) with (fillfactor = 80);

insert into contacts (subject_id, box, version, sealed)
select distinct on (subject_id, box) subject_id, box, coalesce(contact_version, 0), sealed from messages
where sealed is not null
order by subject_id, box, contact_version desc nulls last, seq desc;

alter table messages drop column sealed, drop column contact_version;

-- An attempt is written once, when it has ended; its message is written with it, so that no check of a key is needed.
alter table attempts drop constraint attempts_message;
