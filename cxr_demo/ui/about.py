"""The About screen: what this is and is not, what is stored where, and which models are here."""

import platform
from collections.abc import Callable
from html import escape

import gradio as gr

from cxr_demo import weights
from cxr_demo.errors import CxrError
from cxr_demo.models import confirmations, proofs
from cxr_demo.models.cards import CARDS, ModelCard
from cxr_demo.paths import private_dir, temporary_dir
from cxr_demo.records import ImageUse
from cxr_demo.ui import about_text, catalogue
from cxr_demo.ui.about_text import Pair
from cxr_demo.ui.context import QUIET, Context
from cxr_demo.ui.strings import KEYS, LANGUAGES, text
from cxr_demo.ui.wording import image_use, model_name
from cxr_demo.ui.words import words
from cxr_demo.units import format_count
from cxr_demo.versions import installed

PACKAGES = ("cxr-demo", "torch", "transformers", "bitsandbytes", "gradio", "pydicom", "numpy")


def build(context: Context) -> None:
    """Lay out the screen inside the current tab."""
    said = {"value": words("selftest.button")}
    with gr.Row(elem_id="self-test-row"):
        named = context.local.start(**said)
        button = gr.Button(elem_id="self-test", scale=0, min_width=260, size="sm", **named)
        context.local.add(button, **said)
        result = gr.HTML(elem_id="self-test-result", apply_default_css=False)
    page = gr.HTML(
        elem_id="about",
        elem_classes="cxr-static",
        apply_default_css=False,
        **context.local.start(value=about_html),
    )
    context.local.add(page, value=about_html)

    def test(key: str) -> list[str]:
        session = context.sessions.get(key)
        if session is None:
            return ["", about_html(context.local.language)]
        return [self_test_html(session.prove), about_html(session.language)]

    button.click(test, [context.key], [result, page], **{**QUIET, "trigger_mode": "once"})


def self_test_html(prove: Callable[[], ImageUse]) -> str:
    """The result of a self-test in both languages, of which the page shows its own."""
    try:
        found = prove()
    except CxrError as error:
        sentences = {each: error.message(each) for each in LANGUAGES}
    else:
        sentences = {
            each: text(
                "selftest.result",
                each,
                name=model_name(found.model, each),
                precision=text(f"precision.{found.precision}", each),
                result=image_use(found, each),
            )
            for each in LANGUAGES
        }
    return "".join(
        f'<p class="only-{each}" role="status">{escape(said)}</p>'
        for each, said in sentences.items()
    )


def about_html(language: str) -> str:
    """The whole screen as HTML, every text escaped."""
    return f"""
    <div class="about" lang="{"pt-BR" if language == "pt" else "en"}">
      <p class="about-lead">{escape(text("disclaimer", language))}</p>
      <div class="about-columns">
        <div>
          {_section("is", _list(about_text.IS, language), language)}
          {_section("is_not", _list(about_text.IS_NOT, language), language)}
          {_section("keys", _keys(language), language)}
          {_section("versions", _versions(), language)}
        </div>
        <div>
          {_section("data", _data(language), language)}
          {_section("models", _models(language), language)}
          {_section("install", _install(language), language)}
        </div>
      </div>
    </div>"""


def _say(pair: Pair, language: str, **params: object) -> str:
    return escape(pair[1 if language == "pt" else 0].format(**params))


def _section(key: str, body: str, language: str) -> str:
    title = _say(about_text.TITLES[key], language)
    return f'<section id="about-{key}"><h2>{title}</h2>{body}</section>'


def _list(pairs: tuple[Pair, ...], language: str, kind: str = "ul") -> str:
    items = "".join(f"<li>{_say(each, language)}</li>" for each in pairs)
    return f"<{kind}>{items}</{kind}>"


def _table(head: tuple[Pair, ...], rows: list[list[str]], language: str) -> str:
    titles = "".join(f'<th scope="col">{_say(each, language)}</th>' for each in head)
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><thead><tr>{titles}</tr></thead><tbody>{body}</tbody></table>"


def _data(language: str) -> str:
    places = {"tmp": temporary_dir(), "home": private_dir()}
    rows = [[_say(cell, language, **places) for cell in row] for row in about_text.STORED]
    sent = f"<p><strong>{_say(about_text.SENT, language)}</strong> "
    more = f"{_say(about_text.SENT_MORE, language)}</p>"
    return sent + more + _table(about_text.STORED_HEAD, rows, language)


def _models(language: str) -> str:
    rows = [_model_row(card, language) for card in CARDS.values()]
    return _table(about_text.MODELS_HEAD, rows, language)


def _model_row(card: ModelCard, language: str) -> list[str]:
    name = escape(model_name(card.id, language))
    if card.hub:
        name += f"<br><code>{escape(card.hub)}</code>"
    can = ", ".join(_plain(about_text.ABILITIES[each], language) for each in card.can)
    name += f"<br><small>{escape(can)}</small>"
    licence = escape(_licence(card.licence.name, language))
    remarks = [_licence(card.licence.note, language)] if card.licence.note else []
    if card.licence.gated:
        remarks.append(_plain(about_text.GATED, language))
    if remarks:
        licence += f"<br><small>{escape(' · '.join(remarks))}</small>"
    count = format_count(card.parameters, language)
    if not card.ported:
        here = _say(about_text.NOT_PORTED, language)
    elif catalogue.is_installed(card):
        here = _say(about_text.INSTALLED, language) + _confirmed(card, language)
        here += _proofs(card, language)
    else:
        here = _say(about_text.NOT_INSTALLED, language)
    return [name, licence, count, here]


def _confirmed(card: ModelCard, language: str) -> str:
    """Whether the port has met its real weights here, for published models."""
    if card.hub is None:
        return ""
    known = confirmations.of_card(card)
    if known is None:
        words = _plain(about_text.UNCONFIRMED, language).format(id=card.id)
    else:
        words = _plain(about_text.CONFIRMED, language).format(date=known.created[:10])
    return f"<br><small>{escape(words)}</small>"


def _proofs(card: ModelCard, language: str) -> str:
    """What the self-test found here, per precision."""
    rows = [
        f"{text(f'precision.{each.precision}', language)}: {image_use(each, language)}"
        for each in proofs.latest(card.id)
    ]
    title = text("prov.image_use", language)
    return "".join(f"<br><small>{escape(title)}, {escape(each)}</small>" for each in rows)


def _licence(words: str, language: str) -> str:
    return about_text.LICENCES_PT.get(words, words) if language == "pt" else words


def _plain(pair: Pair, language: str) -> str:
    return pair[1 if language == "pt" else 0]


def _install(language: str) -> str:
    wanted = [card for card in CARDS.values() if card.ported and card.hub]
    folders = "".join(
        f"<li>{escape(card.name)}: <code>{escape(str(weights.folder(card)))}</code></li>"
        for card in wanted
    )
    return _list(about_text.INSTALL, language, "ol") + f"<ul>{folders}</ul>"


def _keys(language: str) -> str:
    rows = "".join(
        f"<dt><kbd>{escape(keys)}</kbd></dt><dd>{_say(words, language)}</dd>"
        for keys, words in KEYS
    )
    return f'<dl class="keys">{rows}</dl>'


def _versions() -> str:
    # The program itself runs from its clone and need not be among the installed packages.
    found = [
        ("Python", platform.python_version()),
        (platform.system(), platform.release()),
        *installed(*PACKAGES).items(),
    ]
    return f"<p class='versions'>{escape(' · '.join(f'{k} {v}' for k, v in found))}</p>"
