"""Tries one reader for some seconds, guided by the code that inputs reach: READER CORPUS SECONDS SEED."""

import functools
import sys
import warnings

import atheris

with atheris.instrument_imports(include=["ccfpse", "PIL", "zipfile", "yaml", "json"]):
    from tests.hostile.readers import read


def main(reader: str, corpus: str, seconds: str, seed: str) -> None:
    warnings.simplefilter("ignore")  # or the log would be all remarks of Pillow's
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
