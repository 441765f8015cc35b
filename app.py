"""Opens the app in the browser: `python app.py [--host H] [--port N] [--no-browser]`.

Research use only, not a medical device.
"""

import argparse
import sys

from cxr_demo.ui import launch


def main(arguments: list[str] | None = None) -> int:
    """Parse the flags and serve until Ctrl+C; returns the exit status."""
    parser = argparse.ArgumentParser(prog="app.py", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="address to serve (this machine only)")
    parser.add_argument("--port", type=int, default=launch.PORT, help="first port to try")
    parser.add_argument("--no-browser", action="store_true", help="do not open the browser")
    parser.add_argument("--language", choices=["pt", "en"], help="instead of the browser's own")
    given = parser.parse_args(arguments)
    settings = launch.Settings(given.host, given.port, not given.no_browser, given.language)
    return launch.run(settings)


if __name__ == "__main__":
    sys.exit(main())
