"""The servers of `rintis.testing` for every test."""

pytest_plugins = ["rintis.testing.fixtures"]
