"""What a firewall team needs to know before a fetch: hosts, files, sizes, hashes."""

from dataclasses import dataclass

from cxr_demo.weights import faults
from cxr_demo.weights.hub import Hub, host_of
from cxr_demo.weights.sources import Package


@dataclass(frozen=True)
class FileAddress:
    """A file on the hub: bytes, "sha256:..." or "git-sha1:...", address."""

    url: str
    size: int
    hash: str


@dataclass(frozen=True)
class Addresses:
    """`hosts` were seen just now; `host_list` is where their publisher lists all. `hidden` is why
    the storage host could not be seen, or None."""

    hosts: tuple[str, ...]
    host_list: str
    hidden: faults.WeightsError | None
    files: tuple[FileAddress, ...]


def addresses(wanted: Package, hub: Hub | None = None) -> Addresses:
    """Ask the hub where the files of `wanted` lie. Raises leaves of WeightsError if not even the
    listing can be had."""
    hub = hub or Hub()
    listings = [hub.listing(each) for each in wanted.sources]
    hosts, hidden = {hub.host: True}, None
    for listing in listings:
        # one large and one small file: the small ones come from the hub itself
        for file in {each.sha256 is None: each for each in listing.files}.values():
            try:
                hosts[host_of(hub.address(file))] = True
            except (faults.NotLoggedIn, faults.LicenceNotAccepted, faults.BadToken) as error:
                hidden = error
    files = tuple(
        FileAddress(
            hub.url(each),
            each.size,
            f"sha256:{each.sha256}" if each.sha256 else f"git-sha1:{each.git_sha1}",
        )
        for listing in listings
        for each in listing.files
    )
    return Addresses(tuple(hosts), f"{hub.endpoint}/.well-known/meta.json", hidden, files)
