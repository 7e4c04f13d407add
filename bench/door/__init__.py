"""The floor of the HTTP door: a bare endpoint that validates the same bodies and inserts them, and promises nothing else."""
