"""How fast Rintis is, beside what the same work costs at least, and whether everything is accounted for afterwards."""
