-- An event has one message because the message's id is derived from the event's, and always was: the primary key says so by itself. An
-- index of the events, which are as many and as random, was a tenth of what storing a message costs.

alter table messages drop constraint messages_event_once;
-- By its old name, because processes of the release before still name it when they store messages.
alter table messages rename constraint messages_pkey to messages_event_once;

-- For the audit, which looks for a second message of an event whatever its id. Events come in the order of their ids' time.
create index messages_by_event on messages using brin (event_id) with (pages_per_range = 32, autosummarize = on);
