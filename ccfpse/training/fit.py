"""The training run: a prepared store in, a model file out; going on where an earlier process stopped."""

from ccfpse.config import Settings
from ccfpse.errors import TrainingStopped
from ccfpse.training.inputs import Places, open_inputs
from ccfpse.training.launch import launch
from ccfpse.training.parent import end_with_parent
from ccfpse.training.processes import is_launched, together
from ccfpse.training.run import Observer, Run
from ccfpse.training.signals import stop_signals


def fit(settings: Settings, places: Places, observer: Observer, extend: bool = False) -> None:
    """Trains, in `runtime.processes` processes, and writes `places.out`.

    Called again after it was stopped or killed, it goes on from its last checkpoint. Where it has none,
    it goes on from that of a run with fewer steps if this one began in the same way.

    Args:
        settings: of the run.
        places: inputs and output.
        observer: is told how it goes.
        extend: go on from the newest checkpoint of a run with other steps or learning rates, although a
            run of these settings alone would have become another.

    Raises:
        CcfpseError: an input is missing or does not fit, the run is in use, a loss is not finite.
        TrainingStopped: SIGTERM or Ctrl-C; the state is saved.
    """
    end_with_parent()
    if settings.runtime.processes > 1 and not is_launched():
        open_inputs(settings, places, extend)  # what is wrong with them is said here, once
        launch(settings.runtime.processes, _fit_here, settings, places, observer, extend)
    else:
        _fit_here(settings, places, observer, extend)


def _fit_here(settings: Settings, places: Places, observer: Observer, extend: bool) -> None:
    try:
        with together(settings.runtime.device) as processes, stop_signals() as stop:
            try:
                Run(settings, places, observer, processes, stop, extend).go()
            except TrainingStopped:
                processes.any(True)  # all stop after the same step; the main process saves first
                raise
    finally:
        observer.ended()
