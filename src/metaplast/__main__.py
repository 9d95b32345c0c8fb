"""`python -m metaplast`, the same as the command `metaplast`."""

import sys

from metaplast.cli import main

if __name__ == "__main__":
    sys.exit(main())
