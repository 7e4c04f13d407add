"""The use cases: each takes a set, opens or gets a transaction, loads, lets the domain decide, saves and announces."""
