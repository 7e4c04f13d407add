-- IOMKI supervision: permits, the ledger of expected reports, the reports themselves, warnings, and what companies were told.

-- One row per permit. `company` is a sealed box. `expected_until` and `calendar` say how far, and by which version of the
-- duty calendar, the ledger is filled ahead.
create table permits (
  permit_id uuid not null,
  number text not null,
  state text not null,
  nib text not null,
  kbli text not null,
  is_estate boolean not null,
  regency text not null,
  workers integer not null,
  issued_on date not null,
  supervised_from date not null,
  revoked_on date,
  company text not null,
  company_version integer not null,
  expected_until date not null,
  calendar text not null,
  known_at timestamptz not null,
  changed_at timestamptz not null,
  constraint permits_pkey primary key (permit_id),
  constraint permits_number_once unique (number),
  constraint permits_state check (state in ('active', 'revoked')),
  constraint permits_revoked_on check ((state = 'revoked') = (revoked_on is not null))
);
create index permits_to_fill on permits (expected_until) where state = 'active';
create index permits_by_regency on permits (regency);

-- What became of each piece of news about a permit, by the (source, id) that its publisher may ask for.
create table permit_news (
  submission_id uuid not null,
  permit_id uuid not null,
  kind text not null,
  publisher text not null,
  outcome text not null,
  errors jsonb not null,
  arrived_at timestamptz not null,
  decided_at timestamptz not null,
  constraint permit_news_pkey primary key (submission_id),
  constraint permit_news_kind check (kind in ('issued', 'changed', 'revoked')),
  constraint permit_news_outcome check (outcome in ('accepted', 'superseded', 'erased', 'refused'))
);

-- The ledger: one row per permit and due day, written before the day comes.
create table expected_filings (
  permit_id uuid not null,
  due_on date not null,
  deadline timestamptz not null,
  state text not null,
  filing_id uuid,
  filed_at timestamptz,
  versions integer not null,
  missed_at timestamptz,
  constraint expected_filings_pkey primary key (permit_id, due_on),
  constraint expected_filings_permit foreign key (permit_id) references permits (permit_id),
  constraint expected_filings_state check (state in ('expected', 'filed', 'late', 'missed', 'cancelled')),
  constraint expected_filings_filed check ((state in ('filed', 'late')) = (filing_id is not null and versions > 0)),
  constraint expected_filings_missed check (state <> 'missed' or missed_at is not null)
) with (fillfactor = 80);
create index expected_filings_open on expected_filings (deadline) where state = 'expected';

-- Reports as they came. `answers` are counts and yes/no; `cause` is the event that brought the report.
create table filings (
  filing_id uuid not null,
  submission_id uuid not null,
  cause uuid not null,
  permit_id uuid not null,
  permit_number text not null,
  due_on date not null,
  form text not null,
  answers jsonb not null,
  publisher text not null,
  arrived_at timestamptz not null,
  state text not null,
  is_late boolean not null,
  errors jsonb not null,
  warnings jsonb not null,
  decided_at timestamptz not null,
  constraint filings_pkey primary key (filing_id),
  constraint filings_submission_once unique (submission_id),
  constraint filings_state check (state in ('unmatched', 'held', 'accepted', 'returned', 'refused'))
) with (fillfactor = 90);
create index filings_by_period on filings (permit_id, due_on, arrived_at);
create index filings_waiting on filings (arrived_at) where state in ('unmatched', 'held');
create index filings_unmatched on filings (permit_id) where state = 'unmatched';

-- Written warnings: one per missed period.
create table warnings (
  warning_id uuid not null,
  permit_id uuid not null,
  due_on date not null,
  number integer not null,
  missed date[] not null,
  issued_at timestamptz not null,
  constraint warnings_pkey primary key (warning_id),
  constraint warnings_once_per_period unique (permit_id, due_on),
  constraint warnings_period foreign key (permit_id, due_on) references expected_filings (permit_id, due_on)
);

-- What the service said about a filing or a sanction, and what became of the message to the company.
create table notices (
  event_id uuid not null,
  permit_id uuid not null,
  type text not null,
  due_on date,
  subject_id uuid not null,
  said_at timestamptz not null,
  message_state text,
  told_at timestamptz,
  constraint notices_pkey primary key (event_id),
  constraint notices_message_state check (message_state in ('sent', 'failed', 'skipped', 'unknown'))
);
create index notices_by_permit on notices (permit_id, said_at);
create index notices_by_subject on notices (subject_id);

-- Answers given to callers who sent an Idempotency-Key: the same call again gets the same answer, letter by letter.
create table requests (
  caller text not null,
  key text not null,
  digest bytea not null,
  answer json not null,
  taken_at timestamptz not null,
  constraint requests_pkey primary key (caller, key)
);
create index requests_old on requests (taken_at);

-- How far, in business time, each recurring duty has come, and when, in real time, that was seen: the audit measures
-- standstill by both.
create table sweeps (
  name text not null,
  swept_at timestamptz not null,
  marked_at timestamptz not null default clock_timestamp(),
  constraint sweeps_pkey primary key (name)
);
