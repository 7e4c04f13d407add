"""What `rintis bench` holds Rintis against."""
