"""One module per command, registered in `rintis.__main__`."""
