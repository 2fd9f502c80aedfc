"""The Go programs of the tests, built once into a cache outside the checkout.

    python -m tests.cluster.helm.programs

builds them, so that no test has to: it takes some minutes of the processors, which other tests need.
"""

import functools
import shutil
import subprocess
from hashlib import sha256
from pathlib import Path

from tests.cluster.helm.schemas import CACHE


def promtool() -> Path:
    """Prometheus' own checks of rules, without service discovery for clouds, which doubles the build time."""
    return _built(
        Path(__file__).with_name("promtool"), "-tags=remove_all_sd", "github.com/prometheus/prometheus/cmd/promtool"
    )


def evaluator() -> Path:
    """The evaluator of network policies."""
    return _built(Path(__file__).with_name("policies"))


@functools.cache
def _built(source: Path, *arguments: str) -> Path:
    """The program of a folder with a go.mod; `arguments` are passed to `go build`."""
    files = b"".join(map(Path.read_bytes, sorted(source.iterdir())))
    key = sha256(files + " ".join(arguments).encode()).hexdigest()[:16]
    program = CACHE / "cluster" / f"{source.name}-{key}"
    if not program.exists():
        program.parent.mkdir(parents=True, exist_ok=True)
        assert shutil.which("go"), f"Go is needed to build {source.name}."
        flags = ["-p=2", "-mod=readonly", "-trimpath", "-ldflags=-s -w", f"-o={program}.new"]
        command = ["nice", "go", "build", *flags, *(arguments or ["."])]
        done = subprocess.run(command, cwd=source, capture_output=True, text=True, timeout=900, check=False)
        assert done.returncode == 0, done.stderr
        Path(f"{program}.new").rename(program)
    return program


if __name__ == "__main__":
    promtool()
    evaluator()
