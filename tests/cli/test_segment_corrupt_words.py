"""What ``segment corrupt`` says of numbers that it can't read."""

from __future__ import annotations

import pytest

from mixednoise.cli import run


@pytest.mark.parametrize("radius", ["-3", "3-", "a", "lung=x"])
def test_the_whole_of_what_was_given_is_told(tmp_path, capsys, radius):
    command = ["segment", "corrupt", "--masks", str(tmp_path), "--out", str(tmp_path / "noisy")]
    assert run([*command, f"--radius={radius}"]) == 2
    told = capsys.readouterr().err
    assert f"{radius.split('=')[-1]!r} can't be read" in told
    assert "--radius 20, 5-10" in told
