"""Lists of addresses, one a line: how they come in and go out. All languages' examples read and write the same."""

import os
import sys
from pathlib import Path

from peer_manager import Address, PeerManager, PeerManagerError, PeerType

DEFAULT_PORT = 11625


def import_peers(peers: PeerManager, path: Path, *, preferred: int = 0) -> tuple[int, int, int]:
    """Adds the addresses of a text file; the first of them become preferred. A line that is no address is reported and
    skipped. Returns how many addresses there were, how many were new, and how many lines were skipped."""
    good, bad = [], 0
    # Not str.splitlines: it takes more than newlines for the end of a line.
    for number, line in enumerate(path.read_bytes().split(b"\n"), start=1):
        text = line.strip(b" \t\r").decode(errors="replace")
        if not text or text.startswith("#"):
            continue
        try:
            good.append(Address.parse(text, DEFAULT_PORT))
        except PeerManagerError as error:
            print(f"{path}:{number}: {error}", file=sys.stderr)
            bad += 1
    added = peers.ensure_exists_many(good)
    for address in good[:preferred]:
        peers.update_type(address, PeerType.PREFERRED)
    return len(good), added, bad


def export_peers(peers: PeerManager, path: Path) -> None:
    """Writes the addresses of all peers, sorted. It writes a file next to the one that is wanted, which then takes its
    place at once: whatever happens meanwhile, no reader finds half a list."""
    if os.path.lexists(path) and (path.is_symlink() or not path.is_file()):
        raise FileExistsError(f"cannot write {path}: it is there and no regular file; give another path")
    lines = sorted(f"{record.address}\n" for record in peers)
    temporary = path.with_name(f"{path.name}.tmp-{os.getpid()}")
    with temporary.open("x", encoding="ascii", newline="\n") as file:
        try:
            file.writelines(lines)
            file.flush()
            os.fsync(file.fileno())
            temporary.replace(path)
        except BaseException:
            temporary.unlink()
            raise
