"""Opens the app in the browser: `python app.py [--host H] [--port N] [--no-browser]`.

Research use only, not a medical device.
"""

import argparse
import sys

from cxr_demo.cli_words import LANGUAGES, asked_language, said, speak, whole
from cxr_demo.ui import launch


def main(arguments: list[str] | None = None) -> int:
    """Parse the flags and serve until Ctrl+C; returns the exit status."""
    speak(asked_language(sys.argv[1:] if arguments is None else arguments)[0])
    given = _parser().parse_args(arguments)
    settings = launch.Settings(given.host, given.port, not given.no_browser, given.language)
    return launch.run(settings)


def _parser() -> argparse.ArgumentParser:
    about = said(
        "Opens the app in the browser. Research use only; not a medical device.",
        "Abre o aplicativo no navegador. Somente para pesquisa; não é um dispositivo médico.",
    )
    parser = argparse.ArgumentParser(prog="app.py", description=about)
    host = said("address to serve (this machine only)", "endereço a servir (só esta máquina)")
    parser.add_argument(
        "--host", metavar=said("ADDRESS", "ENDEREÇO"), default="127.0.0.1", help=host
    )
    port = said("first port to try", "primeira porta a tentar")
    parser.add_argument("--port", metavar="N", type=whole, default=launch.PORT, help=port)
    quiet = said("do not open the browser", "não abre o navegador")
    parser.add_argument("--no-browser", action="store_true", help=quiet)
    language = said("instead of the browser's own", "em vez da língua do navegador")
    parser.add_argument("--language", choices=LANGUAGES, help=language)
    return parser


if __name__ == "__main__":
    sys.exit(main())
