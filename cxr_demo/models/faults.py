"""Errors of models that need words of their own; the common ones stand in `cxr_demo.errors`."""

from collections.abc import Iterable

from cxr_demo.errors import ModelError, PrecisionUnsupported, both
from cxr_demo.records import Precision


def not_offered(
    model: str, precision: Precision, offered: Iterable[Precision]
) -> PrecisionUnsupported:
    """The error for a precision that is none of those that the model named `model` has here."""
    names = ", ".join(offered)
    words = both(f"it is offered in {names}", f"só é oferecido em {names}")
    return PrecisionUnsupported(model=model, precision=precision.value, detail=words)


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


class UnknownPrompt(ModelError):
    """The card has no prompt with this id for the pipeline."""

    code = "unknown_prompt"
    en = "{model} has no prompt called {prompt} for this pipeline: choose one of {known}."
    pt = "{model} não tem um prompt {prompt} neste pipeline: escolha um destes: {known}."


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


class RandomWeights(ModelError):
    """A checkpoint with random numbers was to be confirmed as the real one."""

    code = "random_weights"
    en = "The weights of {model} here are random and confirm nothing: fetch the real ones."
    pt = "Os pesos de {model} aqui são aleatórios e nada confirmam: baixe os reais."


class NotConfirmed(ModelError):
    """The comparison that confirms a port did not succeed; `detail` says where."""

    code = "not_confirmed"
    en = "The port of {model} is not confirmed: {detail}. It stays marked; please report this."
    pt = "A adaptação de {model} não está confirmada: {detail}. Segue marcada; comunique isto."


class NothingToCompare(ModelError):
    """The evaluation that would confirm a port is not there."""

    code = "nothing_to_compare"
    en = (
        "To confirm {model}, a finished preliminary evaluation with CheXbert of these weights is "
        "needed: run `python -m cxr_demo evaluate preliminary --models {id} --data FOLDER`, then "
        "repeat this command."
    )
    pt = (
        "Para confirmar {model} é preciso uma avaliação preliminar terminada, com CheXbert, destes "
        "pesos: execute `python -m cxr_demo evaluate preliminary --models {id} --data PASTA` e "
        "repita este comando."
    )


class NotComparedSo(ModelError):
    """An option of the comparison with stock `generate()`, for a model that has none."""

    code = "not_compared_so"
    en = "--{option} changes nothing for {model}, not compared token by token: leave it out."
    pt = "--{option} não muda nada em {model}, que não é comparado token a token: retire-o."


class OnlyUserConfirms(ModelError):
    """Nothing published can confirm this port."""

    code = "only_user_confirms"
    en = (
        "No published figure or code can confirm {model}: if you have convinced yourself, say so "
        "with `python -m cxr_demo confirm {id} --by-user WORDS`."
    )
    pt = (
        "Nenhum valor ou código publicado confirma {model}: se você se convenceu, diga-o com "
        "`python -m cxr_demo confirm {id} --by-user PALAVRAS`."
    )


class UserCannotConfirm(ModelError):
    """There is something published to compare with, so nobody's word stands in its place."""

    code = "user_cannot_confirm"
    en = (
        "{model} is confirmed by a comparison, not by word: run `python -m cxr_demo confirm {id}` "
        "without --by-user."
    )
    pt = (
        "{model} se confirma por comparação, não por palavra: execute `python -m cxr_demo confirm "
        "{id}` sem --by-user."
    )
