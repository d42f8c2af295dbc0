"""`python -m han2x`."""

import sys

from .cli import main

sys.exit(main())
