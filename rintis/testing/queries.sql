-- end_sessions --
-- End what an earlier test has left connected to this database.
select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid();

-- describe_tables --
-- Columns, constraints and indexes that migrations have made here, or that a test has changed.
select array_agg(part order by part) from (
  select table_name || '.' || column_name || ' ' || data_type || ' ' || is_nullable as part from information_schema.columns where table_schema = 'public'
  union all
  select conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid) from pg_constraint where connamespace = 'public'::regnamespace
  union all
  select indexdef from pg_indexes where schemaname = 'public'
) as parts;

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
