-- What was ever taken out of a service's tables by the time they agreed, and when their rows were counted: so that not every audit counts them.
alter table marks add column agreed_removed jsonb, add column counted_at timestamptz;
