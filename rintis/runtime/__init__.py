"""Kafka, PostgreSQL and the services as processes of one machine, with nothing installed but Python."""
