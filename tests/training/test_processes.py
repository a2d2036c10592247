"""Two processes under torchrun (gloo): the same groups and the same weights on both."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

CHILD = Path(__file__).parent / "processes_child.py"


@pytest.mark.parametrize("method", ["QMix", "SSCL"])
def test_two_processes_agree(tmp_path, method):
    done = subprocess.run(
        [
            sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2",
            str(CHILD), str(tmp_path), method,
        ],
        env=os.environ | {"PYTHONWARNINGS": "ignore", "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    a, b = (np.load(tmp_path / f"weights_{rank}.npz") for rank in (0, 1))
    assert all(np.array_equal(a[name], b[name]) for name in a.files)
    tables = [pd.read_csv(tmp_path / f"audit_{rank}.csv") for rank in (0, 1)]
    pd.testing.assert_frame_equal(*tables)
    assert set(tables[0].group.dropna()) <= {"correct", "mis_h", "mis_l"}
    run = pd.read_csv(tmp_path / "run" / "samples.csv")
    assert run.id.tolist() == tables[0].id.tolist()
