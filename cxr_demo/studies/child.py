"""`python -m cxr_demo.studies.child`: decodes files from outside under limits, one at a time.

Requests come as frames of `transfer` on standard input, answers go to standard output. At the end
of the input, which also is the parent's end, the child ends. It writes no file and no log.
"""

import os
import signal
import sys
from pathlib import Path
from typing import Any, BinaryIO

from cxr_demo.errors import StudyError
from cxr_demo.studies.errors import DecodingTooLarge, FileDamaged
from cxr_demo.studies.folders import StudyRef, list_studies
from cxr_demo.studies.opening import open_study
from cxr_demo.studies.sandbox import address_space, set_limits
from cxr_demo.studies.transfer import read_frame, write_frame, write_radiographs


def main(memory: int, seconds: float) -> None:
    """Serve until standard input ends. `memory` in bytes, `seconds` per request."""
    requests, answers = _take_pipes()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # What is loaded now is not the file's doing; decoders load late, and count.
    set_limits(memory)
    write_frame(answers, {"ready": os.getpid()})
    while (request := read_frame(requests)) is not None:
        _set_alarm(seconds)
        _serve(request, answers)
        _set_alarm(0)
        write_frame(answers, {"address_space": address_space()})


def _serve(request: dict[str, Any], answers: BinaryIO) -> None:
    try:
        path = Path(request["path"])
        if request["op"] == "list":
            found = [[each.key, each.members] for each in list_studies(path)]
            write_frame(answers, {"studies": found})
            return
        members = request["members"]
        source = path if members is None else StudyRef(request["key"], path, tuple(members))
        radiographs = open_study(source, request["ignore_file_lut"])
    except StudyError as error:
        write_frame(answers, {"error": error.to_dict()})
    except MemoryError:
        write_frame(answers, {"error": DecodingTooLarge().to_dict()})
    except RecursionError:
        write_frame(answers, {"error": FileDamaged(format="DICOM").to_dict()})
    else:
        write_radiographs(answers, radiographs)


def _take_pipes() -> tuple[BinaryIO, BinaryIO]:
    """The two pipes for ourselves; libraries that print get nowhere with it."""
    requests = os.fdopen(os.dup(0), "rb")
    answers = os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)
    return requests, answers


def _set_alarm(seconds: float) -> None:
    """The system ends this process then, even inside a decoder, even if the parent is gone."""
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_REAL, seconds)


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]))
