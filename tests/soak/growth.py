"""Memory and open files of a long piece of work: ``growth.py train|synthesize PARAMS SAMPLES``.

Prints as JSON, for each of about that many moments spread evenly over the work, memory in MB and the
number of open files, of this process and all below it. Memory is what they have allocated or share with each
other: pages of libraries are left out, whose part of a process changes when others on the machine end.
"""

import contextlib
import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import ccfpse
from ccfpse.config import load_settings
from ccfpse.layoutfiles import find_layouts
from ccfpse.memory import return_large_pieces
from ccfpse.synthesis import synthesize_files
from ccfpse.synthesisplan import Output, Progress
from ccfpse.training.fit import Places, fit


class Samples:
    """Taken at even distances of the work."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.taken: list[tuple[float, int]] = []

    def take(self, done: int, total: int) -> None:
        if done * self.count // total > len(self.taken):
            processes = _family()
            self.taken.append((sum(map(_own_mb, processes)), sum(map(_n_open, processes))))

    # What training tells its observer.
    def started(self, step: int, steps: int) -> None:
        self.steps = steps

    def stepped(self, step: int, images_per_second: float, figures: Mapping[str, float]) -> None:
        self.take(step, self.steps)

    def said(self, text: str) -> None:
        pass

    def ended(self) -> None:
        pass


def train(params: Path, samples: Samples) -> None:
    """As `ccfpse train`."""
    settings = load_settings(params)
    paths = settings.paths
    places = Places(Path(paths.prepared), Path(paths.loss_network), Path(paths.judge), Path(paths.training))
    fit(settings, places, samples)


def synthesize(params: Path, samples: Samples) -> None:
    """As `ccfpse synthesize`, of the label maps beside the settings."""
    model = ccfpse.load(params.with_name("model.safetensors"), device="cpu")

    @contextlib.contextmanager
    def progress(stage: str) -> Iterator[Progress]:
        yield samples.take if stage == "synthesizing" else lambda done, total: None

    synthesize_files(
        model,
        find_layouts(params.with_name("labels"), None, model, None, "ids"),
        Output(folder=params.with_name("photos"), format="png", size="input", overwrite=False),
        style="prior",
        seed=0,
        batch=8,
        skip_bad=False,
        progress=progress,
        warn=lambda text: None,
    )


def _family() -> list[Path]:
    """This process and all below it."""
    parents: dict[int, list[int]] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal():
            try:
                fields = (folder / "stat").read_text("utf-8", "replace").rpartition(")")[2].split()
            except OSError:
                continue
            parents.setdefault(int(fields[1]), []).append(int(folder.name))
    found = [int(Path("/proc/self").readlink().name)]
    for process in found:
        found += parents.get(process, [])
    return [Path(f"/proc/{process}") for process in found]


def _own_mb(process: Path) -> float:
    with contextlib.suppress(OSError):  # it may just have ended
        lines = (process / "smaps_rollup").read_text().splitlines()
        return (
            sum(int(line.split()[1]) for line in lines if line.startswith(("Pss_Anon:", "Pss_Shmem:"))) / 1000
        )
    return 0.0


def _n_open(process: Path) -> int:
    with contextlib.suppress(OSError):
        return len(list((process / "fd").iterdir()))
    return 0


if __name__ == "__main__":
    return_large_pieces()
    taken = Samples(int(sys.argv[3]))
    {"train": train, "synthesize": synthesize}[sys.argv[1]](Path(sys.argv[2]), taken)
    print(json.dumps(taken.taken))
