"""What operators look at: queues in business words, dead letters, and the audit. It reads, and changes nothing."""
