-- Numbers are looked up by key: with the key first one comparison a step finds it, where texts that are all the same were compared
-- before it. Measured with 900,000 rows: a look-up 1.6 us instead of 3.1, a new key 4.7 instead of 8.4, a known one 8.2 instead of 13.2.
alter table heard drop constraint heard_pkey, add constraint heard_pkey primary key (key, topic, consumer);
alter table sequences drop constraint sequences_pkey, add constraint sequences_pkey primary key (key, topic);
-- A key's events follow each other closely: with room for all of a page once more, a new number touches no index (5 us instead of 9).
alter table sequences set (fillfactor = 50);
