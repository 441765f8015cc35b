"""Errors of evaluations that need words of their own."""

from cxr_demo.errors import CxrError


class RecipeUnknown(CxrError):
    """The evaluation that was asked for does not exist, or its recipe is not complete."""

    code = "recipe_unknown"
    en = "This evaluation is not known ({detail}): check its name and its settings."
    pt = "Esta avaliação não é conhecida ({detail}): confira o nome e as opções."


class WordUnknown(CxrError):
    """An option's word that is none of `known`."""

    code = "word_unknown"
    en = "{word} is not known here: choose from {known}."
    pt = "{word} não é conhecido aqui: escolha entre {known}."


class OptionNotTaken(CxrError):
    """An option that this evaluation has no use for."""

    code = "option_not_taken"
    en = "--{option} changes nothing in `evaluate {what}`: leave it out, or choose another one."
    pt = "--{option} não muda nada em `evaluate {what}`: retire-o ou escolha outra avaliação."


class NothingChosen(CxrError):
    """No model, or no precision."""

    code = "nothing_chosen"
    en = "Nothing is chosen to be evaluated: name at least one model and one precision."
    pt = "Nada foi escolhido para avaliar: indique ao menos um modelo e uma precisão."


class DataFolderMissing(CxrError):
    """No folder was named for a data set of the recipe, or it is not there."""

    code = "data_folder_missing"
    en = "The data folder ({dataset}) was not named or is not there: name the one that holds it."
    pt = "A pasta dos dados ({dataset}) não foi indicada ou não existe: indique a que os contém."


class PhantomsNotDrawn(CxrError):
    """The process that draws an evaluation's phantoms ended early; its own words are in the log."""

    code = "phantoms_not_drawn"
    en = "The phantoms could not be drawn: see whether the disk of the app's folder is full, then "
    en += "start again; the log says more."
    pt = "Não foi possível desenhar os fantomas: veja se o disco da pasta do aplicativo está cheio "
    pt += "e inicie de novo; o registro diz mais."


class TooManyFailed(CxrError):
    """More images failed than the recipe allows; `reason` is the commonest error's record."""

    code = "too_many_failed"
    en = "Stopped: {failed} of {done} images failed, more than {share} %. The commonest reason: "
    pt = "Parada: {failed} de {done} imagens falharam, mais de {share} %. O motivo mais comum: "

    def message(self, language: str = "en") -> str:
        """One sentence, and the commonest reason's own."""
        reason = self.params.get("reason")
        told = CxrError.from_dict(reason).message(language) if isinstance(reason, dict) else "(?)."
        return super().message(language) + told


class NothingToResume(CxrError):
    """There is no evaluation that could go on."""

    code = "nothing_to_resume"
    en = "There is no evaluation to go on with: start one."
    pt = "Não há avaliação para continuar: inicie uma."


class NoLongerFits(CxrError):
    """An evaluation goes on, and one of its models has too little room now. `needed` and `free` in
    bytes."""

    code = "no_longer_fits"
    en = "Not started: {model} needs {needed}, and {free} are free now; the other arms go on."
    pt = "Não iniciado: {model} precisa de {needed} e há {free} livres; os demais braços seguem."
    sizes = ("needed", "free")


class MeasurementFailed(CxrError):
    """The process that measures memory and time ended without a result."""

    code = "measurement_failed"
    en = "Memory and time of {model} could not be measured (exit status {status})."
    pt = "A memória e o tempo de {model} não puderam ser medidos (código {status})."


class RankDied(CxrError):
    """One of several processes of an evaluation ended; the launch ended with it."""

    code = "rank_died"
    en = "One of the {ranks} processes ended (status {status}): run the command again to resume."
    pt = "Um dos {ranks} processos terminou (código {status}): repita o comando para continuar."


class FileGone(CxrError):
    """The file that the table names is not there, or not to be opened."""

    code = "file_gone"
    en = "The file is not where the table says, or may not be opened: check the data set's folder."
    pt = "O arquivo não está onde a tabela diz, ou não pode ser aberto: confira a pasta dos dados."


class TooFewGpus(CxrError):
    """More ranks than GPUs."""

    code = "too_few_gpus"
    en = "{wanted} processes need a GPU each and {there} are here: ask for {there} with --ranks."
    pt = "{wanted} processos precisam de uma GPU cada e há {there}: peça {there} com --ranks."
