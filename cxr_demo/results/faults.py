"""Errors of results that need words of their own."""

from cxr_demo.errors import CxrError


class RunUnknown(CxrError):
    """No run of this name is in the store."""

    code = "run_unknown"
    en = "There is no run {run} here: `python -m cxr_demo evaluate status` lists them."
    pt = "Não há execução {run} aqui: `python -m cxr_demo evaluate status` as lista."


class RunUnfinished(CxrError):
    """Only a run that has read all its images can be carried away."""

    code = "run_unfinished"
    en = "Run {run} has read {done} of {total} images: let it finish before carrying it away."
    pt = "A execução {run} leu {done} de {total} imagens: deixe-a terminar antes de levá-la."


class RunFileRefused(CxrError):
    """The file is not a carried run, or is damaged; nothing was taken in."""

    code = "run_file_refused"
    en = "This file is not a run of this app, or is damaged ({detail}): export it again."
    pt = (
        "Este arquivo não é uma execução deste aplicativo, ou está danificado ({detail}): "
        "exporte-o de novo."
    )


class RunFileMissing(CxrError):
    """There is no such file, or this user may not read it."""

    code = "run_file_missing"
    en = "There is no such file, or it may not be read: name the file of the carried run."
    pt = "Este arquivo não existe ou não pode ser lido: indique o arquivo da execução."


class RunNotWritten(CxrError):
    """The folder for the file is not there, is full or may not be written to."""

    code = "run_not_written"
    en = "The file could not be written there ({detail}): choose another place."
    pt = "O arquivo não pôde ser escrito ali ({detail}): escolha outro lugar."


class RunAlreadyHere(CxrError):
    """The same run was taken in before."""

    code = "run_already_here"
    en = "This run is here already: it stands among the results."
    pt = "Esta execução já está aqui: ela aparece entre os resultados."
