"""The wheel: it carries the library, and works where nothing else is."""

import os
import shutil
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

PROGRAM = """
import sys
import peer_manager
from pathlib import Path
here = Path(peer_manager.__file__).parent
assert "site-packages" in here.parts, here
if sys.platform == "linux":
    lines = Path("/proc/self/maps").read_text().splitlines()
    loaded = {line.split()[-1] for line in lines if "libpeer_manager" in line}
    assert loaded == {str(here / "libpeer_manager.so.0")}, loaded
with peer_manager.PeerManager("peers.db") as peers:
    peers.ensure_exists("example.org:1")
with peer_manager.PeerManager("peers.db") as peers:
    print(peer_manager.version_string(), [str(peer.address) for peer in peers])
"""

USER = """
from ipaddress import IPv4Address
from peer_manager import PeerManager
with PeerManager() as peers:
    reveal_type(peers.load("1.2.3.4:5").address.host)
    peers.ensure_exists(IPv4Address("1.2.3.4"))
"""


@pytest.fixture(scope="module")
def wheel() -> Path:
    directory = os.environ.get("PEER_MANAGER_WHEEL_DIR")
    if directory is None:
        pytest.skip("PEER_MANAGER_WHEEL_DIR is not set; run make test")
    (found,) = Path(directory).glob("*.whl")
    return found


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of a new virtual environment that has the wheel and nothing else."""
    home = tmp_path_factory.mktemp("fresh") / "venv"
    venv.create(home, with_pip=False)
    interpreter = home / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", str(interpreter), "--disable-pip-version-check"]
    subprocess.run([*pip, "install", "-q", "--no-index", "--no-deps", str(wheel)], check=True, timeout=120)
    return interpreter


def test_the_wheel_is_for_this_platform_and_complete(wheel: Path) -> None:
    assert wheel.name.startswith("peer_manager-0.2.0-py3-none-")
    assert not wheel.name.endswith("-any.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {"peer_manager/__init__.py", "peer_manager/py.typed"} <= names
    assert any(name.startswith("peer_manager/libpeer_manager.") for name in names)
    for name in ("LICENSE-MIT", "LICENSE-APACHE"):
        assert any(path.endswith(name) for path in names), name
    assert not any(name.startswith(("tests/", "node", "golden")) for name in names)


def test_the_wheel_works_alone(installed: Path, tmp_path: Path) -> None:
    ran = subprocess.run(
        [installed, "-W", "error", "-c", PROGRAM],
        env={},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.stderr == ""
    assert ran.stdout == "0.2.0 ['example.org:1']\n"


def test_type_checkers_see_the_types(installed: Path, tmp_path: Path) -> None:
    (tmp_path / "user.py").write_text(USER)
    ran = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--python-executable", installed, "user.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert 'Revealed type is "ipaddress.IPv4Address | ipaddress.IPv6Address | str"' in ran.stdout.replace(
        "builtins.", ""
    )
    assert 'incompatible type "IPv4Address"; expected "Address | str"' in ran.stdout
    assert "Found 1 error" in ran.stdout
    shutil.rmtree(tmp_path / ".mypy_cache", ignore_errors=True)
