"""The hub, as huggingface_hub knows it: listings, addresses, token. Its errors become ours.

Nothing here runs unless a user asked for it. Telemetry is off; the token goes to the hub's own
origin only, never to the storage host that it redirects to.
"""

import os
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit
from urllib.request import getproxies, proxy_bypass

os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"

import httpx2
from huggingface_hub import (
    HfApi,
    constants,
    get_hf_file_metadata,
    get_token,
    hf_hub_url,
)
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
)
from huggingface_hub.utils import build_hf_headers, get_session

from cxr_demo.weights import faults
from cxr_demo.weights.sources import Source, wanted

PROXY_LOGIN = 407
_PROXIED = ("http", "https", "all")
_BAD_SHAPE = (ValueError, TypeError, KeyError, AttributeError)


@dataclass(frozen=True)
class Patience:
    """Seconds: to connect, without a byte, and before the first retry (then doubled each time).
    `retries` in a row that bring nothing end a transfer."""

    connect: float = 20
    read: float = 60
    pause: float = 1
    retries: int = 5


@dataclass(frozen=True)
class RemoteFile:
    """A file at a commit: `size` in bytes; its SHA-256 if it lies in large file storage, else
    git's own hash."""

    repo: str
    revision: str
    name: str
    size: int
    sha256: str | None
    git_sha1: str | None


@dataclass(frozen=True)
class Listing:
    """The wanted files of one repository, and the commit that they are of."""

    repo: str
    revision: str
    files: tuple[RemoteFile, ...]
    refused: tuple[str, ...]


class Hub:
    """One hub: `endpoint` None is HF_ENDPOINT or huggingface.co."""

    def __init__(self, endpoint: str | None = None, patience: Patience | None = None) -> None:
        self.endpoint = (endpoint or constants.ENDPOINT).rstrip("/")
        _refuse_odd_settings(self.endpoint)
        self.patience = patience or Patience()
        self._token = get_token()
        self._api = HfApi(endpoint=self.endpoint, token=self._token or False)

    @property
    def host(self) -> str:
        """The hub's host name."""
        return host_of(self.endpoint)

    def page(self, repo: str) -> str:
        """Where a person reads about `repo` and accepts its terms."""
        return f"{self.endpoint}/{repo}"

    def url(self, file: RemoteFile) -> str:
        """Address of `file` on the hub; it redirects to the storage host."""
        return hf_hub_url(file.repo, file.name, revision=file.revision, endpoint=self.endpoint)

    def listing(self, source: Source) -> Listing:
        """The wanted files of `source`, at its revision or at what `main` is now.

        Raises the leaves of WeightsError."""
        with self._told(source.repo, self.host):
            info = self._api.model_info(
                source.repo,
                revision=source.revision or constants.DEFAULT_REVISION,
                files_metadata=True,
                timeout=self.patience.read,
            )
        with _refusing_odd_answers(self.host):
            siblings = {each.rfilename: each for each in info.siblings or ()}
            names = wanted(source, siblings)
            commit = str(info.sha)
            if len(commit) != 40:
                raise ValueError("no commit")
            files = tuple(
                RemoteFile(
                    repo=source.repo,
                    revision=commit,
                    name=name,
                    size=int(siblings[name].size),  # type: ignore[arg-type]
                    sha256=lfs.sha256 if (lfs := siblings[name].lfs) else None,
                    git_sha1=None if lfs else str(siblings[name].blob_id),
                )
                for name in names
            )
        return Listing(source.repo, commit, files, tuple(sorted(set(siblings) - set(names))))

    def address(self, file: RemoteFile) -> str:
        """Where the bytes of `file` lie now; the address is signed and good for some time only."""
        with self._told(file.repo, self.host, f"{file.repo}/{file.name}"):
            found = get_hf_file_metadata(
                self.url(file),
                token=self._token or False,
                timeout=self.patience.read,
                endpoint=self.endpoint,
            )
        if found.commit_hash is None:
            raise faults.Intercepted(host=self.host)
        return urljoin(self.url(file), found.location)

    @contextmanager
    def get(self, url: str, start: int, validator: str | None) -> Iterator[httpx2.Response]:
        """The response to a GET of `url`, from byte `start` on if it is not 0, and then only if
        the file is still the one that `validator` (a strong ETag) names. No status is refused."""
        own = _origin(url) == _origin(self.endpoint)
        headers = build_hf_headers(token=(self._token if own else None) or False)
        headers["Accept-Encoding"] = "identity"
        if start:
            headers["Range"] = f"bytes={start}-"
        if start and validator:
            headers["If-Range"] = validator
        timeout = httpx2.Timeout(self.patience.read, connect=self.patience.connect)
        session = get_session()
        # a signed address must not be followed elsewhere with our headers
        with session.stream(
            "GET", url, headers=headers, timeout=timeout, follow_redirects=not own
        ) as response:
            yield response

    def refusal(self, error: Exception, repo: str, host: str, what: str) -> faults.WeightsError:
        """`error`, raised while `host` was asked for `what` of `repo`, in our words."""
        if isinstance(error, OfflineModeIsEnabled):
            return faults.OfflineSwitch()
        if isinstance(error, HfHubHTTPError):
            return self._http_refusal(error, repo, host, what)
        if _untrusted(error):
            return faults.CertificateNotTrusted(host=host)
        proxy = _proxy_before(urlsplit(self.endpoint).scheme, host)
        if isinstance(error, httpx2.ProxyError):
            if str(PROXY_LOGIN) in str(error):
                return faults.ProxyWantsLogin(host=host)
            return faults.ProxyUnreachable(host=host, proxy=proxy or "?", detail=str(error))
        if proxy and isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout):
            detail = type(error).__name__
            return faults.ProxyUnreachable(host=host, proxy=proxy, detail=detail)
        if isinstance(error, httpx2.TransportError):
            if host != self.host:
                return faults.StorageBlocked(host=host, detail=type(error).__name__)
            return faults.Offline(host=host)
        return faults.WeightsError(host=host, detail=type(error).__name__)

    def _http_refusal(
        self, error: HfHubHTTPError, repo: str, host: str, what: str
    ) -> faults.WeightsError:
        status = error.response.status_code
        page, tokens = self.page(repo), f"{self.endpoint}/settings/tokens"
        said = f"{error.response.headers.get('X-Error-Message', '')} {error.server_message or ''}"
        if status == PROXY_LOGIN:
            return faults.ProxyWantsLogin(host=host)
        if status == 401 and self._token:
            return faults.BadToken(tokens=tokens)
        if status == 403 and "fine-grained" in said:
            return faults.TokenTooNarrow(tokens=tokens)
        if isinstance(error, GatedRepoError):
            if self._token:
                return faults.LicenceNotAccepted(repo=repo, page=page)
            return faults.NotLoggedIn(repo=repo, page=page, tokens=tokens)
        if isinstance(error, RepositoryNotFoundError) or status in (401, 404):
            return faults.NotFoundOrPrivate(what=what, page=page)
        return by_status(status, host)

    @contextmanager
    def _told(self, repo: str, host: str, what: str | None = None) -> Iterator[None]:
        try:
            with _refusing_odd_answers(host):
                yield
        except (httpx2.HTTPError, OSError) as error:
            raise self.refusal(error, repo, host, what or repo) from error


def by_status(status: int, host: str) -> faults.WeightsError:
    """What an HTTP status says that is neither about the account nor about the file."""
    if status == PROXY_LOGIN:
        return faults.ProxyWantsLogin(host=host)
    if status == 429 or status >= 500:
        return faults.HubBusy(host=host, status=status)
    if status in (401, 403, 451):
        return faults.StorageBlocked(host=host, detail=f"HTTP {status}")
    return faults.WeightsError(host=host, detail=f"HTTP {status}")


def host_of(url: str) -> str:
    """Host of `url`, with its port if that is not the scheme's own."""
    return urlsplit(url).netloc.rpartition("@")[2]


@contextmanager
def _refusing_odd_answers(host: str) -> Iterator[None]:
    # A filter's or a hotel's page instead of JSON
    try:
        yield
    except httpx2.HTTPError:
        raise
    except _BAD_SHAPE as error:
        raise faults.Intercepted(host=host) from error


def _refuse_odd_settings(endpoint: str) -> None:
    """Raises HubSetting, ProxySetting or CertificateFile for variables that no request could be
    made with; httpx says so with bare exceptions, and not before the first one."""
    parts = urlsplit(endpoint)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise faults.HubSetting(endpoint=endpoint)
    for name, proxy in getproxies().items():
        if name in _PROXIED and urlsplit(proxy).scheme not in ("http", "https") and "://" in proxy:
            raise faults.ProxySetting(detail=f"{urlsplit(proxy).scheme}://{host_of(proxy)}")
    path = os.environ.get("SSL_CERT_FILE")
    if path:
        try:
            ssl.create_default_context(cafile=path)
        except OSError as error:  # ssl.SSLError among them
            raise faults.CertificateFile(path=path) from error


def _proxy_before(scheme: str, host: str) -> str | None:
    """Host of the proxy through which httpx asks `host`, without name and password; None if it
    asks directly."""
    proxies = getproxies()
    found = proxies.get(scheme) or proxies.get("all")
    if not found or proxy_bypass(host):
        return None
    return host_of(found if "://" in found else f"//{found}")


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc


def _untrusted(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError) or "CERTIFICATE_VERIFY" in str(error):
            return True
        error = error.__cause__ or error.__context__
    return False
