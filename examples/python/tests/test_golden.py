"""The golden player and the node."""

from pathlib import Path

import pytest

import golden
import node

EXAMPLES = Path(__file__).parents[2]


def test_the_transcript_is_the_golden_one() -> None:
    lines = golden.transcript((EXAMPLES / "golden/scenario.txt").read_text())
    printed = "".join(f"{line}\n" for line in lines)
    assert printed.encode() == (EXAMPLES / "golden/transcript.txt").read_bytes()


def test_the_node_lives_and_comes_back(capsys: pytest.CaptureFixture[str]) -> None:
    assert node.main([str(EXAMPLES / "peers.txt")]) == 0
    assert "came back as they were" in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [[], ["a", "b"], ["--what"], ["--import"], ["--database", "x"]])
def test_arguments_that_make_no_sense_are_refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        node.main(arguments)
    assert caught.value.code == 2
    assert "usage: node.py" in capsys.readouterr().err
