"""Errors of evaluations that need words of their own."""

from cxr_demo.errors import CxrError


class RecipeUnknown(CxrError):
    """The evaluation that was asked for does not exist, or its recipe is not complete."""

    code = "recipe_unknown"
    en = "This evaluation is not known ({detail}): check its name and its settings."
    pt = "Esta avaliação não é conhecida ({detail}): confira o nome e as opções."
