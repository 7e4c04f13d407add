"""Use cases: each takes a batch, whatever door it came by."""
