"""The golden player and the node."""

from pathlib import Path

import pytest

import golden
import node

EXAMPLES = Path(__file__).parents[2]
GOLDEN = EXAMPLES / "golden"
TRANSCRIPTS = [*GOLDEN.glob("transcript*.txt"), *(EXAMPLES.parent / "tests/conformance").glob("*.txt")]


def played(script: Path) -> bytes:
    """The transcript of a script."""
    lines = golden.transcript(script.read_text(encoding="utf-8"))
    return "".join(f"{line}\n" for line in lines).encode()


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("scenario*.txt")), ids=lambda path: path.stem)
def test_the_transcript_is_the_golden_one(path: Path) -> None:
    assert played(path) == path.with_name(path.name.replace("scenario", "transcript")).read_bytes()


@pytest.mark.parametrize("path", sorted(TRANSCRIPTS), ids=lambda path: path.stem)
def test_a_transcript_is_a_script_that_gives_itself(path: Path) -> None:
    assert played(path).decode() == path.read_text(encoding="utf-8")


def test_a_line_that_is_neither_operation_nor_printed_is_refused() -> None:
    with pytest.raises(ValueError, match="not a line of a transcript: peer_count"):
        list(golden.transcript("# A comment.\n\n> peer_count\npeer_count\n"))


def test_the_node_lives_and_comes_back(capsys: pytest.CaptureFixture[str]) -> None:
    assert node.main([str(EXAMPLES / "peers.txt")]) == 0
    assert "came back as they were" in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [[], ["a", "b"], ["--what"], ["--import"], ["--database", "x"]])
def test_arguments_that_make_no_sense_are_refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        node.main(arguments)
    assert caught.value.code == 2
    assert "usage: node.py" in capsys.readouterr().err
