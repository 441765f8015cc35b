"""How the worker ends a request: with an answer, with an error, and with a line in its log."""

import logging
from typing import Any

from cxr_demo.errors import CxrError
from cxr_demo.worker import messages
from cxr_demo.worker.desk import Task
from cxr_demo.worker.messages import Answer, Read, ReadingUpdate

_log = logging.getLogger(__name__)


def answer(task: Task, value: Any = None) -> None:
    """Tell the asker of `task` that it is done."""
    task.asker.send(Answer(task.request.id, value))


def refuse(task: Task, error: CxrError, report: str = "") -> None:
    """Tell the asker of `task` that it failed, with what a reading had written before."""
    if isinstance(task.request, Read):
        event = messages.failed(error, report)
        task.asker.send(ReadingUpdate(task.request.id, event))
    else:
        task.asker.send(Answer(task.request.id, error=error.to_dict()))


def note(error: BaseException) -> None:
    """Log where an error came from, not what it says: messages may quote a file or a report."""
    if isinstance(error, CxrError):
        _log.info("refused: %s", error.code)
        return
    place = error.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    where = "?" if place is None else f"{place.tb_frame.f_code.co_name}:{place.tb_lineno}"
    _log.error("%s in %s", type(error).__name__, where)
