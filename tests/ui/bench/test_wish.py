"""What the form asks for becomes a recipe."""

import json

import pytest

from cxr_demo.datasets.draw import Mix, Views
from cxr_demo.records import PipelineKind, Precision
from cxr_demo.ui.bench.wish import MOST_PHANTOMS, BadWish, Wish


def test_a_wish_survives_the_page():
    wish = Wish(
        "aggregated",
        ("medgemma-4b-it", "chexagent-2-3b"),
        (Precision.NF4,),
        (PipelineKind.REPORT,),
        Mix.THIRDS,
        Views.FRONTAL,
        900,
    )
    assert Wish.of(json.loads(json.dumps(wish.to_dict()))) == wish
    assert Wish.of({}) == Wish()


def test_each_evaluation_is_the_recipe_of_its_name():
    models = {"models": ["medgemma-4b-it"]}
    preliminary = Wish.of({"evaluation": "preliminary", **models}).recipe()
    assert (preliminary.name, preliminary.draw.size) == ("preliminary", None)
    given = {"evaluation": "aggregated", "mix": "thirds", "views": "frontal", **models}
    aggregated = Wish.of(given).recipe()
    assert (aggregated.draw.size, aggregated.draw.folds) == (30_229, 5)
    assert (aggregated.draw.mix, aggregated.draw.views) == (Mix.THIRDS, Views.FRONTAL)
    local = Wish.of({"evaluation": "local", "size": 40, **models}).recipe()
    assert (local.name, local.draw.size) == ("local", 40)


def test_the_chosen_pipelines_are_the_recipes():
    wish = Wish.of({"evaluation": "preliminary", "pipelines": ["report"]})
    assert wish.recipe().pipelines == (PipelineKind.REPORT,)


def test_a_model_that_can_be_asked_in_steps_is_asked_as_it_was_chosen():
    given = {"evaluation": "preliminary", "models": ["chexagent-8b", "medgemma-4b-it"]}
    plain = Wish.of(given)
    assert (plain.arms, plain.prompts, plain.offered_ways) == (8, (), ("whole", "steps"))
    both = Wish.of(given | {"ways": ["steps", "whole"]})
    assert both.arms == 10 and Wish.of(both.to_dict()) == both
    steps = Wish.of(given | {"ways": ["steps"]})
    asked = {(each.model, each.prompt) for each in steps.recipe().arms()}
    assert asked == {
        ("chexagent-8b", None),  # its direct pipeline
        ("chexagent-8b", "chexagent-8b-steps-1"),
        ("medgemma-4b-it", None),
    }
    assert Wish.of(given | {"models": ["medgemma-4b-it"]}).offered_ways == ("whole",)
    with pytest.raises(BadWish):
        Wish.of(given | {"ways": []}).recipe()


def test_phantoms_need_a_number_and_patients_need_folders():
    assert Wish.of({"evaluation": "phantoms", "count": 12}).data({}) == {"phantoms": "12"}
    wish = Wish.of({"evaluation": "preliminary"})
    assert wish.data({"chexpert": "/data", "brax": "/other"}) == {"chexpert": "/data"}
    with pytest.raises(KeyError):
        wish.data({"brax": "/other"})


def test_phantoms_through_the_aggregated_recipe_ask_for_no_more_than_are_drawn():
    recipe = Wish.of({"evaluation": "phantoms", "course": "aggregated", "count": 30}).recipe()
    assert (recipe.name, recipe.draw.size) == ("aggregated", 30)


@pytest.mark.parametrize(
    "given",
    [
        {"evaluation": "everything"},
        {"precisions": ["fp64"]},
        {"mix": "shaken"},
        {"size": "many"},
        {"course": "local"},
        {"models": 7},
    ],
)
def test_what_there_is_not_is_refused(given):
    with pytest.raises(BadWish):
        Wish.of(given)


def test_numbers_are_kept_within_reason():
    assert Wish.of({"count": 10**9}).count == MOST_PHANTOMS
    assert Wish.of({"count": -3}).count == 1
    assert Wish.of({"size": -3}).size == 1


def test_without_models_there_is_no_recipe():
    with pytest.raises(BadWish):
        Wish.of({"models": []}).recipe()
