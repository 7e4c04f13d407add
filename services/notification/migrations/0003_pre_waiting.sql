-- Who has a message on its way, and nothing else: an index by state alone makes the planner read all waiting messages for each.

create index messages_waiting on messages (subject_id, seq) where state in ('due', 'sending');
drop index messages_by_state;
alter table messages set (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0);
