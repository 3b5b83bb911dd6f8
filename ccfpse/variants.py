"""The settings of a cell of the grid `compare`: what a variant changes, and what all cells share."""

import dataclasses

from ccfpse.config import Settings, plain
from ccfpse.errors import SettingsError
from ccfpse.sections import CCFPSE_SWITCHES, ModelSettings, need
from ccfpse.strict import build


def variant_model(settings: Settings, name: str) -> ModelSettings:
    """The section `model` with what is different in a variant of `compare`.

    Switches that its generator does not have are as usual there.

    Raises:
        SettingsError: there is no such variant, or it makes no model.
    """
    variants = settings.compare.variants
    need(name in variants, f"{name} is not in compare.variants; there are {', '.join(variants)}")
    where = f"compare.variants.{name}"
    known = [field.name for field in dataclasses.fields(ModelSettings)]
    for key in variants[name]:
        need(key in known, f"{where}.{key} is not a setting of the model; known here: {', '.join(known)}")
    merged = {**plain(settings.model), **variants[name]}
    if merged["generator"] != "ccfpse":
        merged |= {key: usual for key, usual in CCFPSE_SWITCHES.items() if key not in variants[name]}
    try:
        return build(ModelSettings, merged, where)
    except SettingsError as error:
        raise SettingsError(str(error).replace("model.", f"{where}.")) from error


def cell_settings(settings: Settings, variant: str, seed: int) -> Settings:
    """The settings that a cell of the grid `compare` trains with.

    Raises:
        SettingsError: there is no such variant, or its photos cannot have the style of `synthesize`.
    """
    model, steps, style = variant_model(settings, variant), settings.compare.steps, settings.synthesize.style
    need(
        model.style or style == "prior",
        f"synthesize.style is {style}, but compare.variants.{variant} has no style; use prior",
    )
    train = dataclasses.replace(
        settings.train,
        seed=seed,
        steps=steps,
        decay_start=round(settings.train.decay_start * steps / settings.train.steps),
    )
    return dataclasses.replace(settings, model=model, train=train)
