"""The wheel and the source distribution: complete, and they install and work where nothing else is."""

import email
import email.message
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest
from elftools.elf.dynamic import DynamicSection
from elftools.elf.elffile import ELFFile

VERSION = "0.2.0"

PROGRAM = """
import sys
import peer_manager
from pathlib import Path
here = Path(peer_manager.__file__).parent
assert "site-packages" in here.parts, here
if sys.platform == "linux":
    lines = Path("/proc/self/maps").read_text().splitlines()
    loaded = {Path(line.split()[-1]).name for line in lines if "peer_manager" in line or "sqlite" in line}
    assert loaded == {"_native.abi3.so"}, loaded
with peer_manager.PeerManager("peers.db") as peers:
    peers.ensure_exists("example.org:1")
with peer_manager.PeerManager("peers.db") as peers:
    print(peer_manager.version_string(), [str(peer.address) for peer in peers])
"""

USER = """
from ipaddress import IPv4Address
from peer_manager import PeerManager, aio
with PeerManager() as peers:
    reveal_type(peers.load("1.2.3.4:5").address.host)
    host, port = peers.load("1.2.3.4:5").address
    reveal_type(port)
    peers.ensure_exists(IPv4Address("1.2.3.4"))
async def asynchronous() -> None:
    async with aio.PeerManager("peers.db", keep_history=True) as peers:
        reveal_type(await peers.ensure_exists_many(["1.2.3.4:5"]))
        reveal_type(peers.load_random_peers(5))
    aio.PeerManager(keep_histori=True)
"""


def made(pattern: str) -> Path:
    """What `make test` has made."""
    directory = os.environ.get("PEER_MANAGER_DIST_DIR")
    if directory is None:
        pytest.skip("PEER_MANAGER_DIST_DIR is not set; run make test")
    (found,) = Path(directory).glob(pattern)
    return found


@pytest.fixture(scope="module")
def wheel() -> Path:
    return made("*.whl")


@pytest.fixture(scope="module")
def sdist() -> Path:
    return made("*.tar.gz")


def pip(*arguments: object, timeout: float = 300, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", *map(str, arguments)]
    # An environment for the package that is tested is not one for the tools that build it.
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return subprocess.run(command, env=kept | environment, capture_output=True, text=True, timeout=timeout, check=False)


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Whether there is an index that has what the package depends on."""
    ran = pip("download", "-q", "--no-deps", "-d", tmp_path_factory.mktemp("index"), "cffi")
    if ran.returncode != 0:
        pytest.skip(f"pip cannot reach a package index: {ran.stderr.strip().splitlines()[-1]}")


def new_environment(directory: Path) -> Path:
    """The interpreter of a new virtual environment."""
    venv.create(directory, with_pip=False)
    return directory / "bin" / "python"


@pytest.fixture(scope="module")
def installed(wheel: Path, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of a new virtual environment that has the wheel and what it depends on."""
    request.getfixturevalue("index")
    interpreter = new_environment(tmp_path_factory.mktemp("fresh") / "venv")
    ran = pip("--python", interpreter, "install", "-q", wheel)
    assert ran.returncode == 0, ran.stderr
    return interpreter


def assert_works(interpreter: Path, directory: Path) -> None:
    ran = subprocess.run(
        [interpreter, "-W", "error", "-c", PROGRAM],
        env={},
        cwd=directory,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.stderr == ""
    assert ran.stdout == f"{VERSION} ['example.org:1']\n"


def assert_declares(metadata: email.message.Message) -> None:
    assert metadata["Version"] == VERSION
    assert metadata["License-Expression"] == "MIT OR Apache-2.0"
    assert sorted(metadata.get_all("License-File", [])) == ["LICENSE-APACHE", "LICENSE-MIT", "NOTICES.txt"]
    assert metadata["Requires-Python"] == ">=3.11"
    assert metadata.get_all("Requires-Dist") == ["cffi>=1.15"]


def test_the_wheel_is_complete(wheel: Path) -> None:
    archive = zipfile.ZipFile(wheel)
    names = set(archive.namelist())
    package = Path(__file__).parents[1] / "peer_manager"
    assert {f"peer_manager/{path.name}" for path in package.glob("*.py*")} <= names
    assert {"peer_manager/py.typed", "peer_manager/_native.abi3.so"} <= names
    information = f"peer_manager-{VERSION}.dist-info"
    assert {f"{information}/licenses/{name}" for name in ("LICENSE-MIT", "LICENSE-APACHE", "NOTICES.txt")} <= names
    assert json.loads(archive.read(f"{information}/sboms/peer_manager.cdx.json"))["bomFormat"] == "CycloneDX"
    assert all(name.startswith(("peer_manager/", information)) for name in names)
    assert_declares(email.message_from_bytes(archive.read(f"{information}/METADATA")))


@pytest.mark.skipif(sys.platform != "linux", reason="there is no ELF elsewhere")
def test_the_extension_module_is_hardened_and_looks_nowhere_else_for_libraries(wheel: Path) -> None:
    module = io.BytesIO(zipfile.ZipFile(wheel).read("peer_manager/_native.abi3.so"))
    section = ELFFile(module).get_section_by_name(".dynamic")
    assert isinstance(section, DynamicSection)
    tags = {tag.entry.d_tag: tag.entry.d_val for tag in section.iter_tags()}
    assert not {"DT_RPATH", "DT_RUNPATH", "DT_TEXTREL"} & tags.keys()
    assert "DT_BIND_NOW" in tags or tags.get("DT_FLAGS", 0) & 0x8


@pytest.mark.skipif(sys.platform != "linux", reason="auditwheel is for Linux")
def test_the_wheel_s_name_is_what_auditwheel_finds(wheel: Path) -> None:
    name = re.fullmatch(rf"peer_manager-{VERSION}-cp311-abi3-(manylinux_\d+_\d+_\w+)\.whl", wheel.name)
    assert name is not None, wheel.name
    command = [sys.executable, "-m", "auditwheel", "show", str(wheel)]
    shown = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout
    assert f'"{name[1]}"' in re.sub(r"\s+", " ", shown)


def test_the_wheel_works_alone(installed: Path, tmp_path: Path) -> None:
    assert_works(installed, tmp_path)


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
    printed = ran.stdout.replace("builtins.", "").replace("peer_manager._address.", "")
    addresses = "list[tuple[str, int, fallback=Address]]"
    assert re.findall(r'Revealed type is "(.*)"', printed) == ["str", "int", "int", addresses], printed
    assert 'incompatible type "IPv4Address"; expected "Address | str"' in printed
    assert 'Unexpected keyword argument "keep_histori"' in printed
    assert "Found 2 errors" in printed
    shutil.rmtree(tmp_path / ".mypy_cache", ignore_errors=True)


def test_the_source_distribution_is_complete(sdist: Path) -> None:
    archive = tarfile.open(sdist)  # noqa: SIM115
    with archive:
        root = f"peer_manager-{VERSION}"
        names = {name.removeprefix(f"{root}/") for name in archive.getnames()}
        assert {"LICENSE-MIT", "LICENSE-APACHE", "NOTICES.txt", "pyproject.toml", "setup.py", "README.md"} <= names
        assert {"crate/Cargo.toml", "crate/Cargo.lock", "crate/src/lib.rs", "native/binding.h"} <= names
        assert not any(name.startswith(("crate/target", "tests", "build")) for name in names)
        file = archive.extractfile(f"{root}/PKG-INFO")
        assert file is not None
        assert_declares(email.message_from_bytes(file.read()))


@pytest.mark.usefixtures("index")
def test_the_source_distribution_builds_and_works(sdist: Path, tmp_path: Path) -> None:
    """As pip does it: with setuptools and cffi of its own, and the library compiled anew."""
    if shutil.which("cargo") is None:
        pytest.skip("there is no cargo")
    interpreter = new_environment(tmp_path / "venv")
    # The crates that the library depends on need not be compiled each time.
    target = sdist.parent.parent / "cargo"
    ran = pip("--python", interpreter, "install", "-q", sdist, timeout=3600, CARGO_TARGET_DIR=str(target))
    assert ran.returncode == 0, ran.stderr
    assert_works(interpreter, tmp_path)
