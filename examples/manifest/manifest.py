"""Write the SHA-256 of every file below a directory, in the format of `sha256sum`.

    python examples/manifest/manifest.py DIRECTORY MANIFEST

The files are read in worker threads, at most eight at a time. Afterwards
`cd DIRECTORY && sha256sum --check MANIFEST` says whether anything has changed.
"""

import hashlib
import os
import sys
from pathlib import Path

import trio

import processengine as pe

AT_ONCE = 8


def list_files(directory: str, manifest: str) -> list[str]:
    """Every regular file below the directory, relative to it, but for the manifest itself."""
    top, own = Path(directory), Path(manifest).resolve()
    found = (Path(folder, name) for folder, _, names in os.walk(top) for name in names)
    return sorted(
        str(path.relative_to(top)) for path in found if path.is_file() and path.resolve() != own
    )


def hash_file(directory: str, file: str) -> str:
    """The SHA-256 of one file. A plain `def` runs in a worker thread, so it may block."""
    with Path(directory, file).open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def measure(directory: str, files: list[str]) -> int:
    """How many bytes the files have, counted while they are being hashed."""
    return sum(Path(directory, file).stat().st_size for file in files)


def write_manifest(manifest: str, files: list[str], hashes: list[str], size: int) -> str:
    """Write one line for each file, and say what was done."""
    lines = (manifest_line(hash, file) for hash, file in zip(hashes, files, strict=True))
    Path(manifest).write_bytes(b"".join(lines))
    return f"{len(files)} files, {size} bytes -> {manifest}"


def manifest_line(hash: str, file: str) -> bytes:
    """A line as `sha256sum` writes it: it marks and escapes names that would break the line."""
    escaped = file.replace("\\", "\\\\").replace("\n", "\\n")
    mark = "\\" if escaped != file else ""
    return os.fsencode(f"{mark}{hash}  {escaped}\n")


def manifest_process() -> pe.ProcessDefinition:
    """List the files; hash and measure them side by side; write the manifest when both are done."""
    process = pe.ProcessBuilder("manifest", inputs=("directory", "manifest"))
    # What cannot be read now cannot be read a second later either.
    once = pe.NO_RETRY
    files = process.node("files", list_files, retry=once)
    hashes = process.each(
        "hashes", hash_file, over="files", item="file", concurrency=AT_ONCE, retry=once
    )
    size = process.node("size", measure, retry=once)
    written = process.node("written", write_manifest, retry=once)
    files.then(hashes).then(written)
    files.then(size).then(written)
    return process.build()


async def main(directory: str, manifest: str) -> None:
    """Run the process once; a file that cannot be read ends the program with its error."""
    async with pe.open_runtime() as runtime:
        inputs = {"directory": directory, "manifest": manifest}
        handle = await runtime.spawn(manifest_process(), inputs)
        outcome = await handle.result()
    print(outcome.completed().memory["written"])


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    trio.run(main, sys.argv[1], sys.argv[2])
