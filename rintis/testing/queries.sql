-- end_sessions --
-- End what an earlier test has left connected to this database.
select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid();

-- list_tables --
-- The tables that migrations have made here, or that a test has added.
select array_agg(tablename::text order by tablename) from pg_tables where schemaname = 'public';

-- empty_tables --
-- Empty the tables that hold rows, but for the record of migrations; most tests touch few.
do $$
declare
  name text;
  has_rows boolean;
  filled text[] := '{}';
begin
  for name in select tablename from pg_tables where schemaname = 'public' and tablename <> 'migrations' loop
    execute format('select exists (select from %I)', name) into has_rows;
    if has_rows then filled := filled || format('%I', name); end if;
  end loop;
  if filled <> '{}' then
    execute 'truncate ' || array_to_string(filled, ', ') || ' restart identity cascade';
  end if;
end
$$;
