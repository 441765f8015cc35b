"""The look: dark in every case, IBM Plex (bundled with Gradio), nothing fetched from outside."""

import gradio as gr
from gradio.themes.utils.fonts import LocalFont

GROUND = "#0b0d10"
PANE = "#12161c"
FIELD = "#1a2029"
LINE = "#2a323d"
TEXT = "#e6eaf0"
DIM = "#a3afbf"
ACCENT = "#2f7fd1"
ACCENT_HOVER = "#3b90e6"


def dark_theme() -> gr.themes.Base:
    """Gradio's base theme with one palette for light and dark: without the light twin, the page
    would flash white before the class `dark` is set."""
    colours = {
        "body_background_fill": GROUND,
        "body_text_color": TEXT,
        "body_text_color_subdued": DIM,
        "background_fill_primary": PANE,
        "background_fill_secondary": GROUND,
        "block_background_fill": PANE,
        "block_border_color": LINE,
        "block_label_text_color": DIM,
        "block_label_background_fill": PANE,
        "block_title_text_color": DIM,
        "border_color_primary": LINE,
        "border_color_accent": ACCENT,
        "input_background_fill": FIELD,
        "input_background_fill_focus": FIELD,
        "input_border_color": LINE,
        "input_border_color_focus": ACCENT_HOVER,
        "button_primary_background_fill": "#1668b8",
        "button_primary_background_fill_hover": "#1d78d2",
        "button_primary_text_color": "#ffffff",
        "button_primary_border_color": "#1668b8",
        "button_secondary_background_fill": FIELD,
        "button_secondary_background_fill_hover": "#242c38",
        "button_secondary_text_color": TEXT,
        "button_secondary_border_color": LINE,
        "checkbox_background_color": FIELD,
        "checkbox_border_color": "#4a5666",
        "checkbox_label_background_fill": FIELD,
        "checkbox_label_background_fill_hover": "#242c38",
        "checkbox_label_background_fill_selected": "#1f3a57",
        "checkbox_label_text_color": TEXT,
        "checkbox_label_text_color_selected": "#ffffff",
        "checkbox_label_border_color": LINE,
        "panel_background_fill": GROUND,
        "panel_border_color": LINE,
        "color_accent_soft": "#1f3a57",
        "link_text_color": "#6cb2f5",
        "link_text_color_hover": "#9accfa",
    }
    both = colours | {f"{name}_dark": colour for name, colour in colours.items()}
    theme = gr.themes.Base(
        primary_hue="blue",
        neutral_hue="slate",
        text_size="sm",
        spacing_size="sm",
        radius_size="sm",
        # The bundled files of weight 600 lack the Latin letters; 700 is whole.
        font=[LocalFont("IBM Plex Sans", (400, 700)), "system-ui", "sans-serif"],
        font_mono=[LocalFont("IBM Plex Mono", (400, 700)), "ui-monospace", "monospace"],
    )
    return theme.set(**both)
