"""The app with the worker of `tests.worker.fake_worker`: what a model does is told by the image."""

import sys

import app
from cxr_demo.ui import catalogue
from cxr_demo.worker import launch
from tests.worker.helpers import FAKE

if __name__ == "__main__":
    launch.COMMAND = FAKE
    catalogue.is_installed = lambda card: True
    sys.exit(app.main())
