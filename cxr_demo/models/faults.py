"""Errors of models that need words of their own; the common ones stand in `cxr_demo.errors`."""

from cxr_demo.errors import ModelError


class NotInThisVersion(ModelError):
    """The card is known, but this version has no adapter for its family."""

    code = "not_in_this_version"
    en = "This version of the app cannot run {model} yet: choose another model."
    pt = "Esta versão do aplicativo ainda não executa {model}: escolha outro modelo."


class UnknownModel(ModelError):
    """No card has this id."""

    code = "unknown_model"
    en = "There is no model called {model}: choose one of {known}."
    pt = "Não existe modelo chamado {model}: escolha um destes: {known}."


class PromptTooLong(ModelError):
    """Image, prompt and reply do not fit into the positions that the model knows."""

    code = "prompt_too_long"
    en = "The prompt is too long for {model} ({needed} of {limit} positions): shorten it."
    pt = "O prompt é longo demais para {model} ({needed} de {limit} posições): encurte-o."


class ImageNotUsed(ModelError):
    """The self-test found that another image changes nothing."""

    code = "image_not_used"
    en = (
        "{model} does not react to its image (movement {movement}, noise {floor}): its reports "
        "mean nothing; load it again, and report this if it stays so."
    )
    pt = (
        "{model} não reage à imagem (movimento {movement}, ruído {floor}): seus laudos nada "
        "significam; carregue-o de novo e comunique se continuar assim."
    )
