-- find_backends --
-- Which of these processes of the server are there.
select pid from pg_stat_activity where pid = any($1::int[]);
