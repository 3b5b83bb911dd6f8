"""Tries one reader for some seconds, guided by the code that inputs reach: READER CORPUS SECONDS SEED."""

import functools
import os
import sys
import warnings

import atheris

with atheris.instrument_imports(include=["ccfpse", "PIL", "zipfile", "yaml", "json"]):
    from tests.hostile.readers import read


def main(reader: str, corpus: str, seconds: str, seed: str) -> None:
    # libFuzzer looks at the peak of memory, and a started program begins with that of the one that started
    # it; a fork begins with its own.
    if child := os.fork():
        sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    warnings.simplefilter("ignore")  # or the log would be all remarks of Pillow's
    # A picture at the limit of pixels takes 2 GB, torch and the rest 0.5.
    limits = [f"-max_total_time={seconds}", "-timeout=20", "-rss_limit_mb=3072", "-malloc_limit_mb=1024"]
    others = [
        "-max_len=20000",
        f"-seed={seed}",
        "-print_final_stats=1",
        f"-artifact_prefix={corpus}/../crash-",
    ]
    atheris.Setup([sys.argv[0], corpus, *limits, *others], functools.partial(read, reader))
    atheris.Fuzz()


if __name__ == "__main__":
    main(*sys.argv[1:])
