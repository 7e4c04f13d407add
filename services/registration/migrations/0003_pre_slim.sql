-- What a registration costs: measured, checks of foreign keys and indexes that nobody asks were a third of PostgreSQL's work here.

-- The digest of the access code rests in the sealed facts only.
alter table persons drop column access_code_hash;
alter table persons add constraint persons_registered_whole check (
  state <> 'registered'
  or (registered_at is not null and province is not null and ticket is not null
      and identity is not null and contact is not null and facts is not null and facts_version > 0 and contact_version > 0)
);

-- Parents are written by the same transaction or an earlier one, and never deleted; `rintis audit` looks for orphans.
alter table nik_tokens drop constraint nik_tokens_person;
alter table near_tokens drop constraint near_tokens_person;
alter table registrations drop constraint registrations_person, drop constraint registrations_submission;
alter table submissions drop constraint submissions_person;
alter table evidence drop constraint evidence_submission;

-- An erasure finds a person's tokens as registering does: from what the identity box says.
drop index near_tokens_of_person;
