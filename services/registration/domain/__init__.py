"""The rules of registration, pure: what is asked of a submission, what is refused, what a worker is told."""
