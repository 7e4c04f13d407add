"""The floor: the same work on the same servers in plain Python, without any guarantee.

Four processes over Kafka and PostgreSQL: register, score, place, notify. Each takes up to 500 records, writes them in one
transaction of plain `unnest` inserts, hands the next events to Kafka, waits for the acknowledgements, and commits its
offsets. There is no outbox, no inbox, no sealing, no audit, no routing to people: a crash doubles rows or loses order,
a record that comes twice is worked twice. It is what such a system costs at least, and nothing that one should run.

It knows nothing of Rintis: what it does is written here and nowhere else.
"""
