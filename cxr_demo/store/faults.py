"""Why the store cannot take or give something."""

from cxr_demo.errors import CxrError


class StoreRefused(CxrError):
    """The disk is full, or another program holds the file; `detail` is SQLite's own reason."""

    code = "store_refused"
    en = "The store of evaluations could not be written ({detail}): free some disk space, go on."
    pt = "Não foi possível gravar o registro das avaliações ({detail}): libere espaço e continue."
