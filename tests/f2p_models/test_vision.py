from __future__ import annotations

import subprocess
import sys


def test_torchvision_imports_in_a_fresh_process_without_a_warning() -> None:
    program = "from f2p_models.vision import torchvision; print(torchvision.models.resnet.Bottleneck.expansion)"
    run = subprocess.run([sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, check=False)
    assert (run.stdout.strip(), run.stderr) == ("4", "")


def test_operators_stay_declared_after_the_import() -> None:
    program = "import gc, torch; from f2p_models import vision; gc.collect(); print(torch.ops.torchvision.nms.default)"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "torchvision.nms.default"
