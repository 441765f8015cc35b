"""Errors of the question whether a model fits."""

from cxr_demo.errors import CxrError, ModelError


class CardNotUnderstood(CxrError):
    """The typed size is no size of a graphics card."""

    code = "card_not_understood"
    en = "“{typed}” is not the memory of a graphics card: type a number of GB from 1 to 1024."
    pt = "“{typed}” não é a memória de uma placa de vídeo: digite um número de GB de 1 a 1024."


class NoGpu(ModelError):
    """A measurement was asked for where there is no GPU that torch can use."""

    code = "no_gpu"
    en = "There is no NVIDIA GPU here that can be measured: the estimate is all there is."
    pt = "Não há aqui uma GPU NVIDIA que possa ser medida: só existe a estimativa."


class NothingFits(ModelError):
    """No precision of a model should fit, so there is nothing worth measuring."""

    code = "nothing_fits"
    en = (
        "No precision of {model} should fit into the {free} that are free: name one with "
        "--precision to try it all the same."
    )
    pt = (
        "Nenhuma precisão de {model} deve caber nos {free} livres: indique uma com --precision "
        "para tentar mesmo assim."
    )


class NotDescribed(ModelError):
    """Nothing is known of this model's tensors, so its memory cannot be counted."""

    code = "not_described"
    en = "The memory of {model} cannot be counted: choose one of {known}."
    pt = "A memória de {model} não pode ser calculada: escolha um destes: {known}."


class MeasuringStopped(ModelError):
    """The measurement was stopped before its end; nothing was stored."""

    code = "measuring_stopped"
    en = "The measurement was stopped; nothing was stored: start it again when you like."
    pt = "A medição foi interrompida; nada foi guardado: comece de novo quando quiser."
