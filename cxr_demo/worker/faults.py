"""Errors of the worker that need words of their own."""

from cxr_demo.errors import WorkerError


class ReadingStopped(WorkerError):
    """The reading was stopped while it waited or while its model was loading."""

    code = "reading_stopped"
    en = "The reading was stopped before the model began: press Generate to start again."
    pt = "A leitura foi parada antes de o modelo começar: gere o laudo de novo."


class JobRunning(WorkerError):
    """Only one evaluation runs at a time."""

    code = "job_running"
    en = "An evaluation is already running on this GPU: wait for it, or stop it first."
    pt = "Já há uma avaliação em andamento nesta GPU: espere terminar, ou pare-a antes."


class WorkerTooOld(WorkerError):
    """A worker of another version of this app is still at work."""

    code = "worker_version"
    en = "A model process of another version is still at work (process {pid}): close it first."
    pt = "Um processo do modelo de outra versão ainda trabalha (processo {pid}): feche-o antes."
