-- So that permits filled by another version of the calendar are found without reading those filled by this one.
create index permits_by_calendar on permits (calendar) where state = 'active';
