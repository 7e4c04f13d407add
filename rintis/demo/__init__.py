"""One compressed day: publishers, people and staff at work, what should come of it, and whether it did."""
