"""`ccfpse paint`: a page on which layouts are painted, or its HTTP endpoints alone."""

import contextlib
from pathlib import Path
from typing import Annotated

import typer

from . import options
from .console import advise, errors_as_messages, say, warn


def paint(
    model: Annotated[Path, typer.Argument(help="Model file.", show_default=False)],
    layouts: Annotated[
        Path | None,
        typer.Option(
            help="Layouts to begin with: folder of label maps, one of them, or a prepared store.",
            show_default=False,
        ),
    ] = None,
    instances: Annotated[
        Path | None,
        typer.Option(help="Instance maps of these layouts: a folder, or one file.", show_default=False),
    ] = None,
    classes: Annotated[
        Path | None, typer.Option(help="Class table (YAML) of these layouts, if not the model's.")
    ] = None,
    api: Annotated[
        bool, typer.Option("--api", help="Only the HTTP endpoints, with a page that describes them.")
    ] = False,
    host: Annotated[
        str, typer.Option(help="Address to answer at; 0.0.0.0: to the whole local network.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any free one.")] = 8000,
    allow_host: Annotated[
        list[str] | None,
        typer.Option(
            help="Name that browsers may call this machine by; may be repeated.", show_default=False
        ),
    ] = None,
    device: options.Device = "auto",
    precision: options.Precision = "float32",
) -> None:
    """Paint layouts in the browser and see their photos.

    Example:
        ccfpse paint model.safetensors
    """
    with errors_as_messages():
        import ccfpse
        from ccfpse.classfiles import read_class_yaml
        from ccfpse.errors import SettingsError
        from ccfpse.layoutfiles import find_layouts
        from ccfpse.network import own_address
        from ccfpse.painting.samples import offered
        from ccfpse.painting.serve import listen, serving
        from ccfpse.painting.studio import Studio

        if layouts is None and (given := "--instances" if instances else "--classes" if classes else None):
            raise SettingsError(f"{given} says something about --layouts, which is not given")
        network = ccfpse.load(model, device=device, precision=precision)
        table = None if classes is None else read_class_yaml(classes)
        sources = None if layouts is None else find_layouts(layouts, instances, network, table, "auto")
        begin = offered(network.class_table, network.size, sources)
        begin.layout(0)  # what cannot be read is said here
        advise(str(network.device))
        with listen(host, port) as heard:
            with serving(Studio(network, begin), names=allow_host or [], api_only=api) as server:
                is_open = host in ("0.0.0.0", "::")
                shown = own_address() if is_open else host
                if host != "localhost" and not host.startswith("127.") and host != "::1":
                    warn("everyone who reaches this machine can use it; there is no password")
                what = "answers requests" if api else "is for painting"
                address = f"[{shown}]" if ":" in shown else shown
                say(f"http://{address}:{heard.getsockname()[1]}/ {what}; Ctrl-C ends")
                with contextlib.suppress(KeyboardInterrupt):
                    server.run(sockets=[heard])
            say("ended")
