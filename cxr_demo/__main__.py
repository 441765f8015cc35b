"""`python -m cxr_demo`: what the app does, without a screen."""

import sys

from cxr_demo.cli import main

sys.exit(main())
