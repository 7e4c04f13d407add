"""`python -m bench.floor register|score|place|notify`: one of the four processes."""

import sys

from bench.floor.worker import main

main(sys.argv[1])
