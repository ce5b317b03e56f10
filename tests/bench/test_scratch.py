"""Where the benches put files that must be on a disk."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

MOUNTS = """/dev/vda / ext4 rw 0 0
tmpfs {root}/memory tmpfs rw 0 0
/dev/vdb {root}/memory/disk xfs rw 0 0
"""


def printed(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=800,
    )
    return done.stdout.strip()


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("other/deep", "ext4"),
        ("memory", "tmpfs"),
        ("memory/a/b", "tmpfs"),
        ("memory/disk/a", "xfs"),
    ],
)
def test_the_file_system_is_that_of_the_nearest_mount(tmp_path: Path, path: str, kind: str) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text(MOUNTS.format(root=tmp_path))
    code = f"""if True:
        from pathlib import Path
        from bench._scratch import file_system
        print(file_system(Path({str(tmp_path / path)!r}), Path({str(mounts)!r})))
    """
    assert printed(code) == kind


def test_a_scratch_folder_is_not_kept_in_memory_and_is_removed() -> None:
    code = """if True:
        from bench._scratch import IN_MEMORY, file_system, scratch
        with scratch() as folder:
            (folder / "file").touch()
            print(file_system(folder) in IN_MEMORY)
        print(folder.exists())
    """
    assert printed(code).split() == ["False", "False"]
