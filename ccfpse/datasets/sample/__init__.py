"""The embedded data set: street scenes from a procedural renderer, in Cityscapes' raw layout.

`place` draws street, camera and light; `scene` and `traffic` furnish the street (`stage`) with the shapes of
`buildings`, `cars`, `figures` and `furniture`, collected in a `geometry`; `raster` finds what every pixel of
the `camera` sees, `shadows` where the sun does not reach; `shade` colours it with `materials`, `ground`,
`facades`, `sky` and `textures`; `render` takes the photograph, `write` stores many.
"""

from ccfpse.datasets.sample.render import Scene, render_scene
from ccfpse.datasets.sample.write import write_sample

__all__ = ["Scene", "render_scene", "write_sample"]
