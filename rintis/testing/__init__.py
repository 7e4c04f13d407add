"""Real servers for tests, on the same runtime as `rintis up`, or in containers with RINTIS_TEST_SERVERS=containers."""
