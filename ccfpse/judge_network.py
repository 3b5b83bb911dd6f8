"""The judge's network: torchvision's LR-ASPP with MobileNetV3, fed enlarged images."""

import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.models.segmentation import lraspp_mobilenet_v3_large

ARCHITECTURE = "torchvision lraspp_mobilenet_v3_large"
# MobileNetV3 comes with 0.01, made for hundreds of thousands of steps.
_MOMENTUM = 0.1


class JudgeNetwork(nn.Module):
    """Logits of classes, and features, of images in [-1, 1].

    Args:
        n_classes: output channels.
        enlarge: images are enlarged by this factor first (bilinear); the network's finest features
            have an eighth of the enlarged size.

    Source: Howard et al. 2019, arXiv:1905.02244, section 6.4.
    """

    def __init__(self, n_classes: int, enlarge: int) -> None:
        super().__init__()
        self.enlarge = enlarge
        network = lraspp_mobilenet_v3_large(weights=None, weights_backbone=None, num_classes=n_classes)
        self.backbone = network.backbone
        self.head = network.classifier
        self.n_features: int = network.classifier.high_classifier.in_channels
        for layer in self.modules():
            if isinstance(layer, nn.BatchNorm2d):
                layer.momentum = _MOMENTUM

    def forward(self, image: Tensor) -> Tensor:
        """Logits (B, n_classes, H, W) of images (B, 3, H, W)."""
        return self.logits_and_features(image)[0]

    def logits_and_features(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Logits, and means over the image of the channels that classes are read from, (B, n_features)."""
        large = image
        if self.enlarge > 1:
            large = F.interpolate(image, scale_factor=self.enlarge, mode="bilinear", align_corners=False)
        stages = self.backbone(large)
        deep = self.head.cbr(stages["high"]) * self.head.scale(stages["high"])
        features = deep.mean(dim=(2, 3))  # (B, n_features)
        fine = stages["low"]
        deep = F.interpolate(deep, size=fine.shape[-2:], mode="bilinear", align_corners=False)
        logits = self.head.low_classifier(fine) + self.head.high_classifier(deep)
        return F.interpolate(logits, size=image.shape[-2:], mode="bilinear", align_corners=False), features
