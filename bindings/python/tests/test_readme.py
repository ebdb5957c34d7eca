"""The programs of README.md run as they are printed."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

README = (Path(__file__).parents[1] / "README.md").read_text()
BLOCKS = re.findall(r"^```python\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def test_there_are_programs() -> None:
    assert len(BLOCKS) >= 2
    # The first is complete: it opens a table, and dials.
    for word in ("import", "with PeerManager(", "next_to_dial(", "update_backoff(", "get_peers_to_send(", "print("):
        assert word in BLOCKS[0]


@pytest.mark.parametrize("program", BLOCKS, ids=range(len(BLOCKS)))
def test_a_program_runs_as_it_is_printed(program: str, tmp_path: Path) -> None:
    """Comments that begin with "prints: " are the lines that it prints."""
    expected = re.findall(r"# prints: (.*)", program)
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.splitlines() == expected
    assert expected
