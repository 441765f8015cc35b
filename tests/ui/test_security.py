"""Who may talk to the server."""

import asyncio
import socket
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from cxr_demo.ui.security import Access, Guard, is_same_user

ACCESS = Access("secret-token", 7860)


def ask(path="/", method="GET", query="", client=("203.0.113.9", 5), **headers):
    """What a request gets: status, headers, and whether it reached the app."""
    reached, sent = [], []

    async def app(scope, receive, send):
        reached.append(scope["path"])
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"in"})

    async def send(message):
        sent.append(message)

    given = {"host": "127.0.0.1:7860", **{k.replace("_", "-"): v for k, v in headers.items()}}
    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "query_string": query.encode(),
        "headers": [(k.encode(), v.encode()) for k, v in given.items() if v],
        "client": client,
        "server": ("127.0.0.1", 7860),
    }
    with ThreadPoolExecutor(1) as thread:  # the browser's driver has a loop in this one
        thread.submit(asyncio.run, Guard(app, ACCESS)(scope, None, send)).result()
    found = {k.decode().lower(): v.decode() for k, v in sent[0]["headers"]}
    return sent[0]["status"], found, bool(reached)


COOKIE = "cxr_demo_7860=secret-token"


def test_without_the_key_nobody_of_another_account_gets_in():
    assert ask()[0] == 401
    assert ask("/cxr/strings")[0] == 401
    assert ask(cookie="cxr_demo_7860=guess")[0] == 401
    assert ask(query="key=guess")[0] == 401


def test_the_printed_address_sets_the_cookie_and_takes_the_key_out_of_sight():
    status, headers, reached = ask(query="key=secret-token")
    assert (status, headers["location"], reached) == (303, "/", False)
    assert "HttpOnly" in headers["set-cookie"]
    assert "SameSite=Strict" in headers["set-cookie"]
    assert ask(cookie=COOKIE)[2]


@pytest.mark.parametrize("host", ["evil.example", "evil.example:7860", "127.0.0.1.evil.example"])
def test_a_name_that_is_not_this_machines_is_refused(host):
    assert ask(host=host, cookie=COOKIE)[0] == 421


@pytest.mark.parametrize("host", ["localhost:7860", "[::1]:7860", "192.168.0.7:7860"])
def test_this_machines_names_and_addresses_are_known(host):
    assert ask(host=host, cookie=COOKIE)[0] == 200


def test_other_sites_cannot_send_requests():
    assert ask("/cxr/x/stop", "POST", origin="https://evil.example", cookie=COOKIE)[0] == 403
    assert ask("/cxr/x/view", sec_fetch_site="cross-site", cookie=COOKIE)[0] == 403
    assert ask("/cxr/x/stop", "POST", origin="http://127.0.0.1:7860", cookie=COOKIE)[0] == 200


@pytest.mark.parametrize(
    "path",
    ["/gradio_api/upload", "/gradio_api/file=/etc/passwd", "/gradio_api/proxy=http://a.example"],
)
def test_gradios_own_ways_for_files_are_closed(path):
    assert ask(path, cookie=COOKIE)[0] == 404


def test_every_answer_forbids_what_the_page_does_not_need():
    for headers in (ask(cookie=COOKIE)[1], ask()[1]):
        assert "default-src 'self'" in headers["content-security-policy"]
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"


def test_a_connection_of_the_same_account_is_recognised():
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = server.getsockname()
        with socket.create_connection(address) as client:
            taken = threading.Thread(target=server.accept)
            taken.start()
            taken.join(5)
            assert is_same_user(client.getsockname(), address)
    assert not is_same_user(("127.0.0.1", 1), address)
