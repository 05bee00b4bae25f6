"""The machine: what is installed, what computes, where files go, what time it is."""

from __future__ import annotations

import fcntl
import os
import platform
import shutil
import tempfile
import time
from datetime import datetime
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import Final

from packaging.requirements import Requirement

from flows.monitoring.checks.ill import IllError
from flows.monitoring.night_history import read_history
from flows.nights.records import NIGHT_FILE
from flows.settings import Settings

SMALLEST_FREE_GB: Final = 5
SMALLEST_FREE_FILES: Final = 10_000
#: Shown; all that are required are checked.
PACKAGES: Final = ("torch", "torchvision", "prefect", "webdataset", "mlflow-skinny", "onnxruntime", "dlib-bin")
#: The nights of several machines are put in order by time, so the file server's clock must agree with ours.
LARGEST_SKEW_S: Final = 5.0
NVIDIA_DRIVER: Final = Path("/proc/driver/nvidia/version")
_SET_CLOCK: Final = "sudo timedatectl set-ntp true"


def check_packages() -> str:
    """Everything that f2p's own package requires, in the versions it asks for."""
    wrong = [line for required in requires("f2p") or () if (line := _unmet(Requirement(required)))]
    if wrong:
        raise IllError("; ".join(wrong), "make install")
    return f"Python {platform.python_version()}, " + ", ".join(f"{name} {version(name)}" for name in PACKAGES)


def check_device() -> str:
    """A GPU that really computes; or none, which is well too."""
    import torch

    if torch.cuda.is_available():
        torch.ones(8, device="cuda").sum().item()  # a driver that is too old is seen only now
        names = [
            f"{torch.cuda.get_device_name(index)} ({torch.cuda.get_device_properties(index).total_memory >> 30} GiB)"
            for index in range(torch.cuda.device_count())
        ]
        return ", ".join(names)
    if NVIDIA_DRIVER.exists():
        raise IllError(
            f"there is an NVIDIA driver, but PyTorch {torch.__version__} finds no GPU",
            "pip install --force-reinstall torch torchvision  # the build for CUDA, and nvidia-smi must list the GPU",
        )
    return f"no GPU, {torch.get_num_threads()} CPU threads: 'quick' is for that"


def check_home(settings: Settings) -> str:
    """Files can be written, renamed and locked: some network disks cannot lock."""
    fix = "choose another folder with --home"
    try:
        with tempfile.TemporaryDirectory(prefix=".doctor-", dir=settings.home) as folder:
            probe = Path(folder, "probe")
            probe.write_text("", encoding="utf-8")
            probe.rename(probe.with_suffix(".renamed"))
            with probe.open("w") as stream:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        raise IllError(f"{settings.home}: {error.strerror}", fix) from error
    return f"{settings.home} is writable"


def check_disk(settings: Settings) -> str:
    """Room for a night, in bytes and in files."""
    fix = f"f2p gc --keep 3 --home {settings.home}  # or choose another disk with --home"
    free_gb = shutil.disk_usage(settings.home).free / 1e9
    if free_gb < SMALLEST_FREE_GB:
        raise IllError(f"{free_gb:.1f} GB free, {SMALLEST_FREE_GB} are needed", fix)
    counts = os.statvfs(settings.home)
    if counts.f_files and counts.f_favail < SMALLEST_FREE_FILES:  # some file systems do not count
        raise IllError(f"room for {counts.f_favail:,} more files only, {SMALLEST_FREE_FILES:,} are needed", fix)
    return f"{free_gb:.0f} GB free"


def check_clock(settings: Settings) -> str:
    """The clock agrees with the disk's, and has not gone back behind what was already recorded."""
    skew_s = _skew_of_disk(settings.home)
    if abs(skew_s) > LARGEST_SKEW_S:
        raise IllError(f"the disk of {settings.home} is {skew_s:+.0f} s from this machine's clock", _SET_CLOCK)
    latest = _latest_record(settings)
    if latest is not None and latest[1] > time.time() + LARGEST_SKEW_S:
        behind = f"{(latest[1] - time.time()) / 60:.0f} minutes"
        raise IllError(f"{latest[0]} was written {behind} in the future: the clock was set back", _SET_CLOCK)
    here = datetime.now().astimezone()
    return f"{here:%Y-%m-%d %H:%M:%S} UTC{here:%z} ({here:%Z}); schedules are in UTC"


def _unmet(required: Requirement) -> str:
    """What is wrong with a requirement of ours, or nothing. Extras are nobody's duty."""
    if required.marker and not required.marker.evaluate({"extra": ""}):
        return ""
    try:
        found = version(required.name)
    except PackageNotFoundError:
        return f"{required.name} is not installed"
    fits = required.specifier.contains(found, prereleases=True)
    return "" if fits else f"{required.name} is {found}, {required.specifier} is needed"


def _skew_of_disk(folder: Path) -> float:
    """Seconds that the disk's clock is ahead of ours; on a network disk it is the file server's."""
    with tempfile.NamedTemporaryFile(prefix=".doctor-", dir=folder) as probe:
        probe.write(b"x")
        probe.flush()
        return os.fstat(probe.fileno()).st_mtime - time.time()


def _latest_record(settings: Settings) -> tuple[Path, float] | None:
    """The run's or night's record that is dated latest, and when: by its file, or by what a night says of itself."""
    records = [*settings.runs.glob("*/run.json"), *settings.nights.glob(f"*/{NIGHT_FILE}")]
    times = [(path, path.stat().st_mtime) for path in records]
    times += [(settings.nights / night.night_id, night.started.timestamp()) for night in read_history(settings).nights]
    return max(times, key=lambda entry: entry[1], default=None)
