"""An SMS provider by HTTP: takes messages, honours an idempotency key, answers what it knows of a reference."""
