import subprocess
import sys

CODE = """
from mixednoise.methods.config import TrainingConfig
from mixednoise.training.devices import make_fabric
make_fabric(TrainingConfig(device="cpu", precision="bf16"))
import logging
logging.getLogger("lightning_fabric.anything").info("heard")
"""


def test_making_a_fabric_says_nothing_and_leaves_its_logger_as_it_was():
    found = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True)
    assert found.stdout == ""
    assert found.stderr == "heard\n"
