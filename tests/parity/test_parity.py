"""Our networks, losses and training step against numbers of the published implementation.

`cases/README.md` says what a case holds and how closely two correct implementations agree.
"""

import contextlib
import functools
import importlib.util
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from ccfpse import losses
from ccfpse.layout import make_layout
from ccfpse.models import Generator
from ccfpse.published import (
    discriminator_from_published,
    encoder_from_published,
    generator_from_published,
    generator_options,
    perceptual_from_published,
)
from ccfpse.published_names import BLOCKS, discriminator_names, encoder_names, generator_names
from ccfpse.segmenters import deeplab, drn, upernet
from ccfpse.segmenters.weights import filled
from ccfpse.training.step import Networks, discriminator_losses, fresh_fake, generator_losses

FLOAT32_ABSOLUTE = 1e-4
FLOAT64_RELATIVE = 1e-6
NEGLIGIBLE = 1e-8
"""Entries whose gradient is smaller than this share of the largest are rounding alone."""
SHARE_OF_DEVIATION = 1e-4
"""Scores of segmenters agree to this share of their standard deviation over the whole array."""
WEIGHT_FEATURES, WEIGHT_STYLE = 10.0, 0.05


def test_a_case_is_of_a_kind_that_is_checked(cases: list[Any]) -> None:
    assert any(case.kind in CHECKS for case in cases), "no case of a known kind in the folder of cases"


def test_case_agrees_with_the_published_implementation(case: Any) -> None:
    if case.kind not in CHECKS:
        pytest.skip(f"no check for kind {case.kind}")
    CHECKS[case.kind](case.description, case.arrays())


def check_generator(description: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
    generator = _generator(description)
    layout = _layout(description, arrays)
    style = torch.from_numpy(arrays["z"]) if "z" in arrays else None
    blocks: dict[str, list[Tensor]] = {f"eval_{published}": [] for published in BLOCKS}
    for published, ours in BLOCKS.items():
        generator.blocks[ours].register_forward_hook(
            lambda _module, _inputs, output, name=published: blocks[f"eval_{name}"].append(output[:, :4])
        )
    with torch.no_grad():
        image = generator.eval()(layout, style)
        outputs = {name: torch.cat(passes) for name, passes in blocks.items()} | {"image_eval": image}
        outputs["image_train"] = generator.train()(layout, style)
    for name in sorted(arrays.keys() - {"label", "instance", "z"}):
        _assert_close(outputs[name], arrays[name], name, absolute=FLOAT32_ABSOLUTE)


def check_spade(description: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
    generator, layout = _generator(description), _layout(description, arrays)
    style = torch.from_numpy(arrays["z"]) if "z" in arrays else None
    for mode, name in ((False, "image_eval"), (True, "image_train")):
        with torch.no_grad():
            image = generator.train(mode)(layout, style)
        _assert_close(image, arrays[name], name, absolute=FLOAT32_ABSOLUTE)


def check_pix2pixhd(description: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
    with torch.no_grad():
        image = _generator(description)(_layout(description, arrays))
    _assert_close(image, arrays["image"], "image", absolute=FLOAT32_ABSOLUTE)


def check_patchgan(description: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
    discriminator = discriminator_from_published(_weights(description, "D"))
    layout, image = _layout(description, arrays), torch.from_numpy(arrays["image"])
    with torch.no_grad():
        scores, features = discriminator(image, layout)
    for scale, (score, group) in enumerate(zip(scores, features, strict=True)):
        _assert_close(score, arrays[f"score_{scale}"], f"score {scale}", absolute=FLOAT32_ABSOLUTE)
        found = [layer.abs().mean().item() for layer in (*group, score)]
        assert found == pytest.approx(description["features"][scale], abs=FLOAT32_ABSOLUTE)


def check_encoder(description: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
    encoder = encoder_from_published(_weights(description, "E"))
    with torch.no_grad():
        mu, logvar = encoder(torch.from_numpy(arrays["image"]))
    _assert_close(mu, arrays["mu"], "mu", absolute=FLOAT32_ABSOLUTE)
    _assert_close(logvar, arrays["logvar"], "logvar", absolute=FLOAT32_ABSOLUTE)
    divergence = len(mu) * losses.style_kl(mu, logvar)
    assert divergence.item() == pytest.approx(description["kld"], rel=FLOAT32_ABSOLUTE)


def check_perceptual(description: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
    network = perceptual_from_published(_weights(description, "V"))
    with torch.no_grad():
        x, y = (network(torch.from_numpy(arrays[name])) for name in ("x", "y"))
        layers = [losses.perceptual([a], [b], [1.0]) for a, b in zip(x, y, strict=True)]
        loss = losses.perceptual(x, y, network.weights)
    _assert_close(torch.stack(layers), arrays["layers"], "layers", absolute=FLOAT32_ABSOLUTE)
    assert loss.item() == pytest.approx(description["loss"], abs=FLOAT32_ABSOLUTE)


def check_segmenter(description: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
    if description["network"] not in SEGMENTERS:
        pytest.fail(f"segmenter {description['network']} is not known")
    pixels = torch.from_numpy(arrays["pixels"]).permute(2, 0, 1)[None]
    with torch.no_grad():
        scores = SEGMENTERS[description["network"]](description, pixels)[0]
    tolerance = SHARE_OF_DEVIATION * float(arrays["scores_every_8"].std())
    _assert_close(scores[:, ::8, ::8], arrays["scores_every_8"], "scores", absolute=tolerance)
    H, W = pixels.shape[2:]
    # DRN's authors leave what their last layer adds to photos that are no multiple of 8.
    found, expected, margin = scores.argmax(dim=0).numpy(), arrays["best"][:H, :W], arrays["margin"][:H, :W]
    assert found.shape == expected.shape
    clear = margin > tolerance
    assert clear.any()
    assert np.array_equal(found[clear], expected[clear])


def _drn(description: dict[str, Any], pixels: Tensor) -> Tensor:
    state = _weights(description, "S")
    scores: Tensor = filled(lambda: drn.DrnD105(len(state["seg.weight"])), state)(pixels)
    return scores


def _deeplab(description: dict[str, Any], pixels: Tensor) -> Tensor:
    state = _weights(description, "S")
    scores: Tensor = filled(lambda: deeplab.DeepLabV2(len(state["base.aspp.c0.weight"])), state)(pixels)
    return scores


def _upernet(description: dict[str, Any], pixels: Tensor) -> Tensor:
    encoder = filled(upernet.Encoder, _weights(description, "encoder"))
    state = _weights(description, "decoder")
    decoder = filled(lambda: upernet.Decoder(len(state["conv_last.1.weight"])), state)
    scores: Tensor = upernet.UPerNet(encoder, decoder)(pixels, pixels.shape[2:])
    return scores


def check_discriminator(description: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
    state = _weights(description, "D")
    layout = _layout(description, arrays).double()
    fake, real = (torch.from_numpy(arrays[name]).double() for name in ("fake", "real"))
    discriminator = discriminator_from_published(state).double().train()

    scores, features = discriminator(torch.cat([fake.requires_grad_(), real]), layout)
    for score in scores:
        stride = fake.shape[-1] // score.shape[-1]
        expected = arrays[f"score_1_{stride}"]
        _assert_close(score, expected, f"score at stride {stride}", relative=FLOAT64_RELATIVE)
    hinge = losses.hinge_generator([score.chunk(2)[0] for score in scores])
    of_fake, of_real = ([[f.chunk(2)[half] for f in group] for group in features] for half in (0, 1))
    matching = WEIGHT_FEATURES * losses.feature_matching(of_fake, of_real)
    (gradient,) = torch.autograd.grad(hinge + matching, fake, retain_graph=True)
    _assert_close(gradient, arrays["grad_fake"], "gradient of fake", relative=FLOAT64_RELATIVE)

    adversary = discriminator_losses(discriminator, layout, real, fake.detach())
    (adversary["fake"] + adversary["real"]).backward()
    _assert_gradients(discriminator, discriminator_names(state), description["grads"]["D"])
    found = torch.stack([hinge, matching, adversary["fake"], adversary["real"]])
    _assert_close(found, arrays["losses"], "losses", relative=FLOAT64_RELATIVE)


def check_training(description: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
    if "E" in description["keys"]:
        _check_style_step(description, arrays)
    else:
        _check_three_steps(description, arrays)


def _check_style_step(description: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
    """One generator and encoder step, computed but not applied."""
    networks, names = _networks(description)
    layout, real = _layout(description, arrays).double(), torch.from_numpy(arrays["real"]).double()
    noise = torch.from_numpy(arrays["eps"]).double()
    with _first_output(networks.generator) as fakes:
        found, _ = generator_losses(networks, layout, real, noise)
    _assert_close(fakes[0], arrays["first_fake"], "first fake", relative=FLOAT64_RELATIVE)
    # The published divergence is a sum over the batch.
    weighted = torch.stack(
        [
            found["hinge"],
            WEIGHT_FEATURES * found["features"],
            WEIGHT_STYLE * len(real) * found["style"],
        ]
    )
    weighted.sum().backward()
    _assert_close(weighted, arrays["losses"], "losses", relative=FLOAT64_RELATIVE)
    assert networks.encoder is not None
    _assert_gradients(networks.generator, names["G"], description["grads"]["G"])
    _assert_gradients(networks.encoder, names["E"], description["grads"]["E"])


def _check_three_steps(description: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
    networks, names = _networks(description)
    layout, real = _layout(description, arrays).double(), torch.from_numpy(arrays["real"]).double()
    generator, discriminator = networks.generator, networks.discriminator
    generator_adam = torch.optim.Adam(generator.parameters(), 1e-4, (0.0, 0.9), 1e-8)
    discriminator_adam = torch.optim.Adam(discriminator.parameters(), 4e-4, (0.0, 0.9), 1e-8)

    for step, expected in enumerate(arrays["losses"]):
        with _first_output(generator) as fakes:
            wanted, _ = generator_losses(networks, layout, real, None)
        wanted["features"] = WEIGHT_FEATURES * wanted["features"]
        _update(generator_adam, wanted)
        adversary = discriminator_losses(
            discriminator, layout, real, fresh_fake(networks, layout, real, None)
        )
        _update(discriminator_adam, adversary)
        if step == 0:
            _assert_close(fakes[0], arrays["first_fake"], "first fake", relative=FLOAT64_RELATIVE)
            _assert_gradients(generator, names["G"], description["grads"]["G"])
            _assert_gradients(discriminator, names["D"], description["grads"]["D"])
            _assert_buffers(generator, names["G"], description["buffers"]["G"])
        found = torch.stack([wanted["hinge"], wanted["features"], adversary["fake"], adversary["real"]])
        _assert_close(found, expected, f"losses of step {step}", relative=FLOAT64_RELATIVE)


def _networks(description: dict[str, Any]) -> tuple[Networks, dict[str, dict[str, str]]]:
    """The networks of a training case in float64, and how their entries are called."""
    states = {name: _weights(description, name) for name in description["keys"]}
    networks = Networks(
        generator=_generator(description).double().train(),
        discriminator=discriminator_from_published(states["D"]).double().train(),
        encoder=encoder_from_published(states["E"]).double().train() if "E" in states else None,
        loss_network=None,
    )
    renaming = {"G": generator_names, "D": discriminator_names, "E": encoder_names}
    return networks, {name: renaming[name](state) for name, state in states.items()}


@contextlib.contextmanager
def _first_output(generator: nn.Module) -> Iterator[list[Tensor]]:
    """Collects what the generator returns while the block runs."""
    outputs: list[Tensor] = []
    hook = generator.register_forward_hook(lambda _module, _inputs, output: outputs.append(output))
    try:
        yield outputs
    finally:
        hook.remove()


def _update(optimiser: torch.optim.Optimizer, named: dict[str, Tensor]) -> None:
    optimiser.zero_grad()
    torch.stack(list(named.values())).sum().backward()
    optimiser.step()


@functools.cache
def _checkpoint() -> Any:
    path = Path(__file__).resolve().parent / "cases" / "checkpoint.py"
    spec = importlib.util.spec_from_file_location("parity_checkpoint", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _weights(description: dict[str, Any], network: str) -> dict[str, Tensor]:
    return _checkpoint().build(description["keys"][network], description.get("weight_scale", 1.0))


def _generator(description: dict[str, Any]) -> Generator:
    given = description["options"]
    state = _weights(description, "G")
    n_doublings = 6 if given.get("num_upsampling_layers") == "more" else 5
    return generator_from_published(
        state, generator_options(state, float(given["aspect_ratio"]), n_doublings)
    )


def _layout(description: dict[str, Any], arrays: dict[str, np.ndarray]) -> Tensor:
    options = description["options"]
    labels = torch.from_numpy(arrays["label"]).long()
    instances = torch.from_numpy(arrays["instance"]) if options["instance_edges"] else None
    layout = make_layout(labels, options["label_nc"] + options["dontcare"], instances)
    assert layout.shape[1] == options["semantic_nc"]
    return layout


def _assert_close(
    found: Tensor, expected: np.ndarray, what: str, *, absolute: float = 0.0, relative: float = 0.0
) -> None:
    """``relative`` is to the largest expected value."""
    values = found.detach().numpy()
    assert values.shape == expected.shape, what
    error = np.abs(values - expected).max()
    assert error <= absolute + relative * np.abs(expected).max(), f"{what}: off by {error:.2e}"


def _assert_gradients(module: nn.Module, names: dict[str, str], expected: dict[str, list[float]]) -> None:
    found = {name: parameter.grad for name, parameter in module.named_parameters()}
    largest = max(norm for norm, _ in expected.values())
    _assert_probed(found, names, ((e, v) for e, v in expected.items() if v[0] >= NEGLIGIBLE * largest))


def _assert_buffers(module: nn.Module, names: dict[str, str], expected: dict[str, list[float]]) -> None:
    # Entries without a name of ours are those of batch norms that nothing uses.
    _assert_probed(dict(module.named_buffers()), names, ((e, v) for e, v in expected.items() if e in names))


def _assert_probed(
    found: dict[str, Tensor | None], names: dict[str, str], expected: Iterable[tuple[str, list[float]]]
) -> None:
    """Norm, and product with the direction that belongs to the entry, of every expected entry."""
    checked = 0
    for entry, (norm, dot) in expected:
        values = found[names[entry]]
        assert values is not None, entry
        direction = torch.from_numpy(_checkpoint()._normal(f"probe:{entry}", tuple(values.shape)))
        tolerance = FLOAT64_RELATIVE * norm
        assert abs(values.norm().item() - norm) <= tolerance, f"norm of {entry}"
        assert abs((values * direction).sum().item() - dot) <= tolerance, f"direction of {entry}"
        checked += 1
    assert checked


CHECKS: dict[str, Callable[[dict[str, Any], dict[str, np.ndarray]], None]] = {
    "generator": check_generator,
    "spade": check_spade,
    "pix2pixhd": check_pix2pixhd,
    "patchgan": check_patchgan,
    "encoder": check_encoder,
    "perceptual": check_perceptual,
    "discriminator": check_discriminator,
    "training": check_training,
    "segmenter": check_segmenter,
}
SEGMENTERS: dict[str, Callable[[dict[str, Any], Tensor], Tensor]] = {
    "drn-d-105": _drn,
    "deeplab-v2-resnet101": _deeplab,
    "upernet-resnet101": _upernet,
}
