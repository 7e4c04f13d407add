"""The services: each owns its data, and knows the others only by the events of `shared.contracts`."""
