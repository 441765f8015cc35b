"""An evaluation goes on while the app is closed, and the next app shows it. No browser needed."""

import json
import time
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from cxr_demo.ui.bench.wish import Wish

IMAGES = 30


def state(app):
    with urlopen(f"{app.origin}/cxr/bench/state?lang=en", timeout=30) as answer:
        return json.load(answer)


def ask(app, action, **given):
    body = json.dumps({**given, "lang": "en"}).encode()
    request = Request(
        f"{app.origin}/cxr/bench/{action}", body, {"Content-Type": "application/json"}
    )
    with urlopen(request, timeout=30) as answer:
        return json.load(answer)


def until(app, is_there, seconds=120):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = state(app)
        if is_there(found["current"]):
            return found
        time.sleep(0.3)
    raise AssertionError(f"never came: {found['current']} {found['error']}")


def done(current):
    return sum(each["done"] for each in current["arms"])


def test_the_app_may_close_and_open_again(started):
    first = started("--port", "17916")
    assert urlsplit(first.address).hostname == "127.0.0.1"
    wish = Wish(count=IMAGES).to_dict() | {"pipelines": ["direct"], "precisions": ["bf16"]}
    assert ask(first, "start", wish=wish) == {}
    before = done(until(first, lambda it: it and done(it) > 0)["current"])
    first.end()
    second = started("--port", "17917")
    found = until(second, lambda it: it and done(it) >= before)
    assert found["setup"]["wish"]["count"] == IMAGES
    until(second, lambda it: it and done(it) == IMAGES)
    if state(second)["running"]:
        ask(second, "stop")
        until(second, lambda it: it and it["state"] != "running")
