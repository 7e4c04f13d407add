-- How often gates were opened from outside a batch, under the position's lock: a batch that waited for that lock looks for gates again.
alter table progress add column opened integer not null default 0;
