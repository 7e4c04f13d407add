"""A mail server: takes messages by SMTP and keeps them as JSON lines."""
