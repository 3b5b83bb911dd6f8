import torch

from ccfpse.models import PerceptualNetwork, SmallPerceptualNetwork


def test_vgg_entries_are_torchvisions() -> None:
    from torchvision.models import vgg19

    with torch.device("meta"):
        theirs, ours = vgg19().state_dict(), PerceptualNetwork().state_dict()
    assert {name: tensor.shape for name, tensor in ours.items()} == {
        name: theirs[name].shape for name in ours
    }
    assert max(int(name.split(".")[1]) for name in ours) == 28  # relu5_1


def test_vgg_features_are_those_after_each_stages_first_relu() -> None:
    features = PerceptualNetwork()(torch.zeros(1, 3, 32, 32))
    assert [tuple(f.shape[1:]) for f in features] == [
        (64, 32, 32),
        (128, 16, 16),
        (256, 8, 8),
        (512, 4, 4),
        (512, 2, 2),
    ]
    assert all(f.min() >= 0 for f in features)


def test_small_network_has_the_same_interface() -> None:
    network = SmallPerceptualNetwork(width=4)
    features = network(torch.zeros(1, 3, 32, 64))
    assert len(features) == len(network.weights)
    assert tuple(f.shape[1] for f in features) == network.channels
    assert [f.shape[2] for f in features] == [32, 16, 8, 4]
