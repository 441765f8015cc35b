"""A figure that has nothing to show says what is missing, and does not pretend."""

from cxr_demo.plots.look import (
    BOTTOM,
    SIZE,
    TOP,
    Spec,
    base_layout,
    config,
    disclaimer,
    look,
    remark,
)


def blank(title: str, missing: str, language: str, dark: bool, mark: str = "") -> Spec:
    """`title` above and, in the middle, what is missing; `mark` goes before the title."""
    chosen = look(dark)
    layout = base_layout(chosen, language)
    heading = f'<span style="color:{chosen.amber}">{mark}</span> · {title}' if mark else title
    layout |= {
        "title": {"text": f"<b>{heading}</b>", "x": 0.012, "xanchor": "left", "y": 0.97},
        "xaxis": {"visible": False, "range": [0, 1]},
        "yaxis": {"visible": False, "range": [0, 1]},
        "annotations": [
            {
                "text": missing,
                "x": 0.5,
                "y": 0.55,
                "showarrow": False,
                "font": {"size": SIZE + 2, "color": chosen.dim},
            },
            remark([disclaimer(language)], chosen.amber, 12 - BOTTOM),
        ],
        "showlegend": False,
        "margin": {"l": 20, "r": 40, "t": TOP, "b": BOTTOM},
    }
    return {"data": [], "layout": layout, "config": config()}
