-- Which process slot sends a message: whoever starts in that slot knows that nobody sends it any more.
alter table messages add column holder text;
