-- take_setup_lock --
-- One set-up at a time: roles belong to the whole server, and two starts may meet on one that is shared.
select pg_advisory_lock(7210002);

-- find_role --
-- Whether a role exists.
select exists (select from pg_roles where rolname = $1);

-- find_database --
-- Whether a database exists.
select exists (select from pg_database where datname = $1);

-- format_role --
-- The statement that makes a role with a password, or without a login where there is none.
select format(
  case when $2::text is null then 'create role %I nologin' else 'create role %I login password %L' end, $1::text, $2::text
);

-- format_password --
-- The statement that sets a role's password to the one kept in the state folder.
select format('alter role %I login password %L', $1::text, $2::text);

-- format_database --
-- The statement that makes a database owned by a role. Copying the small template's files costs a tenth of writing them to the journal.
select format('create database %I owner %I template template0 strategy file_copy', $1::text, $2::text);

-- format_drop --
-- The statement that drops a database and ends the sessions in it.
select format('drop database if exists %I with (force)', $1::text);

-- format_close --
-- The statement that keeps everybody out of a database who was not let in by name.
select format('revoke all on database %I from public', $1::text);

-- format_admission --
-- The statement that lets a role into a database.
select format('grant connect on database %I to %I', $1::text, $2::text);

-- format_membership --
-- The statement that lets a service act as the owner of a key store.
select format('grant %I to %I', $1::text, $2::text);

-- format_acting --
-- The statement by which a service acts as a key store's owner in that database only: so whoever migrates first, all may use the tables.
select format('alter role %I in database %I set role = %L', $1::text, $2::text, $3::text);

-- format_reading --
-- The statements by which the auditor may read every table of an owner in this database, those to come included, and write none.
select format(
  'grant usage on schema public to %2$I;'
  'grant select on all tables in schema public to %2$I;'
  'alter default privileges for role %1$I in schema public grant select on tables to %2$I;'
  'alter role %2$I set default_transaction_read_only = on',
  $1::text, $2::text
);

-- format_writing --
-- The statement by which the auditor may write in one database, its own: everywhere else its transactions are read-only.
select format('alter role %I in database %I set default_transaction_read_only = off', $1::text, $2::text);
