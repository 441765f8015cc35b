"""The page: header, doctor's banner, tabs, language. A new screen is one more line in `TABS`."""

import gradio as gr

from cxr_demo.ui import about, banner, fit_screen, reading_room
from cxr_demo.ui.api import Sessions
from cxr_demo.ui.bench import tab as bench
from cxr_demo.ui.context import FOLLOW, QUIET, Context, Tab
from cxr_demo.ui.state import Choice
from cxr_demo.ui.strings import LANGUAGES, text
from cxr_demo.ui.words import Localised, words

TABS = (
    Tab("tab.room", reading_room.build),
    Tab("tab.bench", bench.build),
    Tab("tab.fit", fit_screen.build),
    Tab("tab.about", about.build),
)

HEAD = """
<meta name="color-scheme" content="dark">
<meta name="google" content="notranslate">
<link rel="stylesheet" href="/cxr/static/app.css">
<link rel="stylesheet" href="/cxr/static/viewer.css">
<link rel="stylesheet" href="/cxr/static/fit.css">
<link rel="stylesheet" href="/cxr/static/bench.css">
<script type="module" src="/cxr/static/main.js"></script>
"""

AT_START = """() => {
  document.body.classList.add("dark");
  document.documentElement.translate = false; // a browser would send the report to a translator
  document.documentElement.lang = "pt-BR";
}"""

BROWSER_LANGUAGE = """(given) => {
  let kept = null;
  try { kept = localStorage.getItem("cxr-language"); } catch (error) { /* storage is off */ }
  if (kept === "pt" || kept === "en") return [kept];
  return [%s ?? (navigator.language.toLowerCase().startsWith("pt") ? "pt" : "en")];
}"""

KEEP_LANGUAGE = """(key, language) => {
  try { localStorage.setItem("cxr-language", language); } catch (error) { /* only a wish */ }
  return [key, language];
}"""

HEADER = """
<div class="cxr-header">
  <strong data-t="app"></strong>
  <span class="badge" data-t="disclaimer"></span>
  <span id="worker-line" role="status" aria-live="polite"></span>
  <button id="cxr-help" class="icon-button" data-t-title="js.keys" type="button">?</button>
</div>
"""


def build(sessions: Sessions, choice: Choice, language: str | None) -> gr.Blocks:
    """The whole page. `language` ("pt" or "en") goes before the browser's, if it is given."""
    local = Localised(language or "pt")
    with gr.Blocks(
        title="CXR Demo", fill_height=True, fill_width=True, analytics_enabled=False
    ) as page:
        context = Context(sessions, local, choice, gr.State(""))
        chosen = _header(context)
        banner.build(context)
        with gr.Tabs(elem_id="tabs"):
            for tab in TABS:
                title = {"label": words(tab.title)}
                name = tab.title.replace(".", "-")  # by which the page's scripts switch to it
                with gr.Tab(
                    id=tab.title, elem_id=name, render_children=True, **local.start(**title)
                ) as shown:
                    tab.build(context)
                local.add(shown, **title)
        _events(page, context, chosen, language)
    return page


def _header(context: Context) -> gr.Radio:
    with gr.Row(elem_id="header"):
        # Static: the page's scripts put the words of `data-t` in, and keep the worker's line.
        gr.HTML(
            html_template=HEADER,
            apply_default_css=False,
            elem_id="header-line",
            elem_classes="cxr-static",
        )
        return gr.Radio(
            choices=[(each.upper(), each) for each in LANGUAGES],
            value=context.local.language,
            label=text("language", context.local.language),
            show_label=False,
            container=False,
            elem_id="language",
        )


def _events(page: gr.Blocks, context: Context, chosen: gr.Radio, language: str | None) -> None:
    # The session's id goes to the page's scripts through this component.
    bus = gr.HTML(
        html_template="<span hidden></span>",
        js_on_load=(
            "const say = () => props.value && "
            "(window.cxrQueue ??= []).push(['session', props.value]); watch('value', say); say();"
        ),
        elem_id="bus",
        apply_default_css=False,
    )
    local = context.local

    def open_page(wanted: str, request: gr.Request) -> list[object]:
        session = context.sessions.new(wanted, request.session_hash or "")
        return [session.id, session.id, wanted, *local.updates(wanted)]

    def switch(key: str, wanted: str) -> list[object]:
        session = context.sessions.get(key)
        if session is not None:
            session.set_language(wanted)
        return local.updates(wanted)

    def leave(request: gr.Request) -> None:
        context.sessions.leave(request.session_hash or "")

    default = f'"{language}"' if language else "null"
    page.load(
        open_page,
        [chosen],
        [context.key, bus, chosen, *local.blocks],
        js=BROWSER_LANGUAGE % default,
        **QUIET,
    )
    switched = chosen.input(switch, [context.key, chosen], local.blocks, js=KEEP_LANGUAGE, **QUIET)
    switched.then(None, js=FOLLOW)
    page.unload(leave)
