-- The facts that a decision was made on are those of its worker until newer ones come: they rested twice, and were the largest part of what
-- a decision writes. What has them keeps them. Who asks for a review stores them still, because processes of the release before read them there.
alter table decisions alter column facts drop not null;
