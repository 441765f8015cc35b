"""Who may talk to the server, and what every answer says to the browser.

A loopback port is open to every account of the workstation and, through DNS rebinding, to web
pages. So a request passes only if its Host is this machine, it does not come from another site, and
it carries the launch's token (in the cookie, or once in the address) or comes, on Linux, from a
process of the same account.
"""

import hmac
import ipaddress
import os
import socket
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

HEADERS = {
    # Gradio compiles templates in the page and styles inline; everything else is this server's.
    "Content-Security-Policy": (
        "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; "
        "style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:; "
        "connect-src 'self'; worker-src 'self' blob:; object-src 'none'; base-uri 'self'; "
        "form-action 'self'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), usb=(), payment=()",
}

CLOSED = ("/gradio_api/upload", "/gradio_api/file", "/gradio_api/proxy", "/gradio_api/deep_link")
"""Gradio's own ways for files: not used here. They keep file names on disk and fetch addresses."""

PROBES = (("HEAD", "/"), ("GET", "/gradio_api/startup-events"))
"""What `launch()` asks itself; they answer nothing that is secret."""

REFUSED = (
    "Open this app at the address that it printed when it started. · "
    "Abra o aplicativo no endereço que ele mostrou ao iniciar."
)


@dataclass(frozen=True)
class Access:
    """The launch's secret token, the port, and the names under which the server may be called."""

    token: str
    port: int
    host: str = "127.0.0.1"

    @property
    def cookie(self) -> str:
        """The cookie's name: cookies are shared by all ports of a host, so the port is in it."""
        return f"cxr_demo_{self.port}"

    def knows_host(self, host: str) -> bool:
        """True for this machine's names. An address cannot be rebound, so any address will do."""
        name = urlsplit(f"//{host}").hostname or ""
        if name in {"localhost", self.host.lower(), socket.gethostname().lower()}:
            return True
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return False
        return True


class Guard:
    """ASGI middleware that applies all of the above."""

    def __init__(self, app: Callable[..., Awaitable[None]], access: Access) -> None:
        self.app = app
        self.access = access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse, set the cookie, or hand on and add the headers."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        if scope["type"] != "http":
            return
        refusal = self._refusal(scope)
        if refusal:
            await _answer(send, *refusal)
            return
        fresh = not self._has_cookie(scope)
        if fresh and scope["path"] == "/" and self._key_in_address(scope):
            await _answer(send, 303, "", [(b"location", b"/"), self._cookie_header()])
            return

        async def send_with_headers(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                extra = [(k.lower().encode(), v.encode()) for k, v in HEADERS.items()]
                if scope["path"] == "/":
                    extra.append((b"cache-control", b"no-store"))
                    if fresh:
                        extra.append(self._cookie_header())
                message = {**message, "headers": [*message["headers"], *extra]}
            await send(message)

        await self.app(scope, receive, send_with_headers)

    def _refusal(self, scope: Scope) -> tuple[int, str] | None:
        headers = _headers(scope)
        if not self.access.knows_host(headers.get("host", "")):
            return 421, REFUSED
        if scope["path"].startswith(CLOSED):
            return 404, "Not found"
        origin = headers.get("origin")
        if origin and urlsplit(origin).netloc != headers.get("host"):
            return 403, REFUSED
        if headers.get("sec-fetch-site") in {"cross-site", "same-site"} and scope["path"] != "/":
            return 403, REFUSED
        if (scope["method"], scope["path"]) in PROBES or self._admitted(scope):
            return None
        return 401, REFUSED

    def _admitted(self, scope: Scope) -> bool:
        if self._has_cookie(scope) or self._key_in_address(scope):
            return True
        client, server = scope.get("client"), scope.get("server")
        if not client or not server:
            return False
        return is_same_user((client[0], client[1]), (server[0], server[1]))

    def _has_cookie(self, scope: Scope) -> bool:
        try:
            cookies = SimpleCookie(_headers(scope).get("cookie", ""))
        except CookieError:
            return False
        found = cookies.get(self.access.cookie)
        return found is not None and hmac.compare_digest(found.value, self.access.token)

    def _key_in_address(self, scope: Scope) -> bool:
        given = parse_qs(scope.get("query_string", b"").decode("latin-1")).get("key", [""])[0]
        return hmac.compare_digest(given.encode(), self.access.token.encode())

    def _cookie_header(self) -> tuple[bytes, bytes]:
        cookie = f"{self.access.cookie}={self.access.token}; Path=/; HttpOnly; SameSite=Strict"
        return b"set-cookie", cookie.encode()


def is_same_user(client: tuple[str, int], server: tuple[str, int]) -> bool:
    """True if the socket at the other end of a loopback connection belongs to this account (or to
    root), as Linux' table of sockets says. False where there is no such table."""
    if not hasattr(os, "getuid"):
        return False
    ours = {os.getuid(), 0}
    return any(uid in ours for uid in _socket_owners(client, server))


def _socket_owners(client: tuple[str, int], server: tuple[str, int]) -> list[int]:
    wanted = (_hex_address(client), _hex_address(server))
    table = Path("/proc/net/tcp6" if ":" in client[0] else "/proc/net/tcp")
    try:
        lines = table.read_text().splitlines()[1:]
    except OSError:
        return []
    rows = (line.split() for line in lines)
    return [int(row[7]) for row in rows if (row[1], row[2]) == wanted]


def _hex_address(address: tuple[str, int]) -> str:
    packed = ipaddress.ip_address(address[0]).packed
    words = [packed[i : i + 4][::-1] for i in range(0, len(packed), 4)]
    return f"{b''.join(words).hex().upper()}:{address[1]:04X}"


def _headers(scope: Scope) -> dict[str, str]:
    return {k.decode("latin-1").lower(): v.decode("latin-1") for k, v in scope["headers"]}


async def _answer(
    send: Send, status: int, text: str, headers: list[tuple[bytes, bytes]] | None = None
) -> None:
    fixed = [(b"content-type", b"text/plain; charset=utf-8"), (b"cache-control", b"no-store")]
    fixed += [(k.lower().encode(), v.encode()) for k, v in HEADERS.items()]
    start = {"type": "http.response.start", "status": status, "headers": fixed + (headers or [])}
    await send(start)
    await send({"type": "http.response.body", "body": text.encode()})
