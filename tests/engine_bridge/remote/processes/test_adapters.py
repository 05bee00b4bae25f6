from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from engine_bridge.errors import EngineUnavailableError, InputError
from engine_bridge.remote.pool.engine_sources import Workplace
from engine_bridge.remote.processes.adapters import (
    Adapter,
    as_environment,
    fill,
    find_adapters,
    list_adapters,
    load_adapter,
    parse_engine_spec,
    read_adapter,
)
from engine_bridge.remote.processes.preparation import content_hash, engine_environment, prepare

PREPARE = """
import sys
from pathlib import Path
from engine_bridge.remote.processes.adapters import read_adapter
from engine_bridge.remote.pool.engine_sources import Workplace
from engine_bridge.remote.processes.preparation import prepare
prepare(read_adapter(Path(sys.argv[1])), Path(sys.argv[2]))
"""
LEAST = 'title = "T"\ncommand = ["run"]\n'


def write_adapter(folder: Path, text: str = LEAST, name: str = "mine") -> Path:
    path = folder / name / "engine.toml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_the_least_adapter_is_a_title_and_a_command(tmp_path: Path) -> None:
    adapter = read_adapter(write_adapter(tmp_path))
    assert (adapter.name, adapter.command, adapter.display, adapter.needs) == ("mine", ("run",), "none", ())


def test_every_shipped_adapter_can_be_read() -> None:
    adapters, faults = list_adapters()
    assert faults == []
    assert "mock_remote" in adapters


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "title: is missing"),
        ('title = "T"\n', "command: give the program"),
        ('title = "T"\ncommand = "run"\n', "command: must be a list of texts"),
        (LEAST + 'display = "wayland"\n', "display: 'wayland' is unknown; choose one of none, xvfb"),
        (LEAST + "warm_up_frames = 1\n", "warm_up_frames: must be a number of at least 2"),
        (LEAST + "recycle_after_frames = inf\n", "recycle_after_frames: must be a number"),
        (LEAST + "start_timeout_s = nan\n", "start_timeout_s: must be a number"),
        (LEAST + 'stamps = "none"\n', "stamps: 'none' is unknown; choose one of required, optional"),
        (LEAST + "memory_limit_mb = true\n", "memory_limit_mb: must be a number"),
        (LEAST + "warmup_frames = 3\n", "warmup_frames: is unknown here; known: command"),
        ('title = "T"\ncommand = ["run", "{home}"]\n', r"command: \{home\} is no placeholder"),
        (LEAST + '[environment]\nHOME = "/tmp"\n', "environment.HOME: is set by f2p; remove it"),
        (LEAST + '[[needs]]\nprogram = "x"\n', r"needs\[0\].install: is missing"),
        (LEAST + '[[needs]]\ninstall = "x"\n', r"needs\[0\].program: give either"),
        (LEAST + '[prepare]\ncommand = ["x"]\ninputs = ["gone"]\n', "prepare.inputs: .*gone does not exist"),
        (LEAST + '[options.light]\nchoices = ["one"]\ndefault = "one"\n', "options.light.choices: give at least two"),
        (LEAST + '[options.light]\nchoices = ["a", "b"]\ndefault = "c"\n', "options.light.default: 'c' is unknown"),
        ("title = ", "cannot be read"),
    ],
)
def test_a_mistake_is_told_with_file_key_and_way_out(text: str, complaint: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=rf"mine/engine.toml: {complaint}"):
        read_adapter(write_adapter(tmp_path, text))


def test_a_users_adapter_hides_a_shipped_one(tmp_path: Path) -> None:
    write_adapter(tmp_path, name="mock_remote")
    assert find_adapters([tmp_path])["mock_remote"].title == "T"
    assert find_adapters()["mock_remote"].title != "T"


def test_a_broken_adapter_does_not_hide_the_others(tmp_path: Path) -> None:
    write_adapter(tmp_path, "title = 3", name="broken")
    adapters, faults = list_adapters([tmp_path])
    assert "mock_remote" in adapters
    assert len(faults) == 1
    with pytest.raises(InputError, match=r"broken/engine\.toml: title"):
        load_adapter("broken", [tmp_path])


def test_an_unknown_engine_is_answered_with_a_near_one() -> None:
    with pytest.raises(InputError, match="no engine is called 'mock_remot'; did you mean 'mock_remote'"):
        load_adapter("mock_remot")


def test_what_is_missing_is_told_with_how_to_install_it(tmp_path: Path) -> None:
    text = LEAST + (
        '[[needs]]\nprogram = "sh"\ninstall = "never"\n'
        '[[needs]]\nprogram = "no-such-program"\ninstall = "apt-get install p"\n'
        '[[needs]]\npython = "no_such_module.part"\ninstall = "pip install m"\n'
    )
    assert read_adapter(write_adapter(tmp_path, text)).missing() == [
        "no-such-program is not installed: apt-get install p",
        "no_such_module.part is not installed: pip install m",
    ]


@pytest.mark.parametrize(
    ("text", "spec"),
    [
        ("godot3", ("godot3", {})),
        ("godot3:lighting=engine", ("godot3", {"lighting": "engine"})),
        ("panda3d:pipe=egl,lighting=engine", ("panda3d", {"pipe": "egl", "lighting": "engine"})),
    ],
)
def test_an_engine_is_chosen_with_its_options(text: str, spec: tuple[str, dict[str, str]]) -> None:
    assert parse_engine_spec(text) == spec


@pytest.mark.parametrize("text", ["godot3:lighting", "godot3:=engine", "godot3:a=1,a=2"])
def test_options_that_are_not_written_as_options_are_refused(text: str) -> None:
    with pytest.raises(InputError, match="NAME:OPTION=CHOICE"):
        parse_engine_spec(text)


def test_options_have_defaults_and_refuse_what_they_do_not_know(tmp_path: Path) -> None:
    text = LEAST + '[options.light]\nchoices = ["flat", "engine"]\ndefault = "flat"\n'
    adapter = read_adapter(write_adapter(tmp_path, text))
    assert as_environment(adapter.choose({})) == {"F2P_OPTION_LIGHT": "flat"}
    assert as_environment(adapter.choose({"light": "engine"})) == {"F2P_OPTION_LIGHT": "engine"}
    with pytest.raises(InputError, match="light=dim: choose one of flat, engine"):
        adapter.choose({"light": "dim"})
    with pytest.raises(InputError, match="knows no option 'pipe'; its options: light"):
        adapter.choose({"pipe": "egl"})


def test_only_placeholders_are_filled() -> None:
    assert fill("{work}/a {json: 1} {Work}", {"work": "/w"}) == "/w/a {json: 1} {Work}"


class TestPreparation:
    """Once per content, into a folder that is named after the content."""

    def adapter(self, folder: Path, script: str = "echo done >> {work}/log") -> Adapter:
        text = LEAST + f'[prepare]\ncommand = ["sh", "-c", "{script}"]\n'
        return read_adapter(write_adapter(folder, text))

    def test_it_runs_once(self, tmp_path: Path) -> None:
        adapter = self.adapter(tmp_path)
        work = prepare(adapter, tmp_path / "work")
        assert prepare(adapter, tmp_path / "work") == work
        assert (work / "log").read_text() == "done\n"

    def test_another_content_is_prepared_anew(self, tmp_path: Path) -> None:
        adapter = self.adapter(tmp_path)
        before = content_hash(adapter)
        (adapter.folder / "scene.txt").write_text("a head")
        assert content_hash(adapter) != before

    def test_what_a_killed_preparation_left_is_done_again(self, tmp_path: Path) -> None:
        adapter = self.adapter(tmp_path)
        left = tmp_path / "work" / f"mine-{content_hash(adapter)}"
        left.mkdir(parents=True)
        (left / "log").write_text("half ")
        assert (prepare(adapter, tmp_path / "work") / "log").read_text() == "done\n"

    def test_the_newest_two_are_kept_and_those_in_use(self, tmp_path: Path) -> None:
        adapter, root = self.adapter(tmp_path), tmp_path / "work"
        for number in range(4):
            (adapter.folder / "scene.txt").write_text(f"head {number}")
            subprocess.run(
                [sys.executable, "-c", PREPARE, str(adapter.folder / "engine.toml"), str(root)], check=True, timeout=60
            )
        others = root / f"mine-too-{'0' * 12}"
        others.mkdir()
        assert len(list(root.glob("mine-*/.prepared"))) == 2
        in_use = prepare(adapter, root)
        for number in range(3):
            (adapter.folder / "scene.txt").write_text(f"hat {number}")
            prepare(adapter, root)
        assert in_use.is_dir()
        assert others.is_dir()

    def test_a_pool_reads_the_adapters_folder_once(self, tmp_path: Path) -> None:
        adapter = self.adapter(tmp_path)
        place = Workplace(adapter=adapter, options={}, token="", work_root=tmp_path / "work", log_folder=tmp_path)
        work = place.prepared()
        (adapter.folder / "scene.txt").write_text("changed while the pool works")
        assert place.prepared() == work

    def test_a_failed_one_is_told_and_tried_again(self, tmp_path: Path) -> None:
        adapter = self.adapter(tmp_path, "echo no compiler; exit 4")
        for _ in range(2):
            with pytest.raises(
                EngineUnavailableError, match=r"preparation failed: .*status 4.*no compiler.*prepare\.log"
            ):
                prepare(adapter, tmp_path / "work")

    def test_the_engine_gets_a_home_of_its_own(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("XDG_CONFIG_HOME", "/home/somebody/.config")
        environment = engine_environment(tmp_path, tmp_path / "scratch")
        assert environment["HOME"] == str(tmp_path / "home")
        assert environment["TMPDIR"] == str(tmp_path / "scratch")
        assert "XDG_CONFIG_HOME" not in environment
