"""The public names, pinned: adding or removing one is a decision."""

import subprocess
import sys

import mixednoise

PUBLIC = {
    "CoTeaching", "ConfidentLearning", "ConfidentSegmentation", "ConfigError", "CrossEntropy",
    "CrossEntropySingle",
    "DataError", "Dataset", "DivideMix", "EarlyLearning", "GeneralizedCrossEntropy", "InputError",
    "MixedNoiseError", "QMix", "RunError", "SSCL", "SeparationSettings", "SymmetricCrossEntropy",
    "TrainingError", "__version__", "audit_dataset", "audit_run", "classification_metrics",
    "corrupt", "corrupt_masks", "find_mask_errors", "load", "load_segmentation", "read_cases",
    "read_dataset", "read_nnunet",
    "separate",
}  # fmt: skip


def test_public_names():
    assert set(mixednoise.__all__) == PUBLIC
    assert all(getattr(mixednoise, name) is not None for name in PUBLIC)


def test_import_is_light():
    code = (
        "import sys, mixednoise, mixednoise.cli.app;"
        "heavy = {'torch', 'pandas', 'monai', 'sklearn', 'cv2', 'matplotlib'} & set(sys.modules);"
        "sys.exit(', '.join(sorted(heavy)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"imported at start: {done.stderr}"


def test_threads_sleep_instead_of_spinning():
    code = "import os, mixednoise; print(os.environ['OMP_WAIT_POLICY'])"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True,
        env={"PATH": "", "HOME": ""},
    )  # fmt: skip
    assert done.stdout.strip() == "PASSIVE"
