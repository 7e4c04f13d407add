"""The command line `rintis`: runs everything on one machine, and shows, checks and repairs what runs."""
