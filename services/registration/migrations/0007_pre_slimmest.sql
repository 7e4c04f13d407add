-- A registration's submission is of one person because a submission is written once, by its own id, in the transaction that registers: an
-- index that said so again was read by the audit only, which finds the registration by its person.
alter table registrations drop constraint registrations_submission_once;
