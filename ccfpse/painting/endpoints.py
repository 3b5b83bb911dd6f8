"""The addresses of the HTTP interface, and what OpenAPI says about them."""

import asyncio
import time
from concurrent.futures import Future
from typing import Annotated, Any, Literal, TypeVar

from fastapi import APIRouter, File, Form, Request, Response, UploadFile

from ccfpse.painting.guard import MOST_BYTES
from ccfpse.painting.layout import LARGEST_SEED
from ccfpse.painting.queueing import QueueFull, WorkQueue
from ccfpse.painting.studio import Studio, StyleWish

Result = TypeVar("Result")
_PNG: dict[int | str, dict[str, Any]] = {
    200: {"content": {"image/png": {"schema": {"type": "string", "format": "binary"}}}},
}
_Labels = Annotated[UploadFile, File(description="Label map: PNG, BMP or TIFF.")]
_Seed = Annotated[int, Form(ge=0, le=LARGEST_SEED, description="Of the prior's style.")]


class Gone(Exception):
    """Whoever asked has closed the connection."""


def make_router(studio: Studio, queue: WorkQueue) -> APIRouter:
    """The endpoints of a model; everything that takes time goes through the queue."""
    router = APIRouter(prefix="/api")
    _add_photos(router, studio, queue)
    _add_layouts(router, studio, queue)
    return router


def _add_photos(router: APIRouter, studio: Studio, queue: WorkQueue) -> None:
    @router.get("/model", summary="What the model is")
    async def model() -> dict[str, Any]:
        """Its classes by id, its size, whether it has object boundaries and a style; bytes of a request."""
        return {**studio.described(), "most_bytes": MOST_BYTES}

    @router.post("/synthesize", summary="Photo of a label map", responses=_PNG, response_class=Response)
    async def synthesize(
        request: Request,
        labels: _Labels,
        instances: Annotated[
            UploadFile | None,
            File(description="Map of the same size whose values tell objects apart; 8 or 16 bits."),
        ] = None,
        coding: Annotated[
            Literal["auto", "ids", "colors", "classes"],
            Form(
                description="What the label map's values mean: the data set's values (`ids`) or `colors`, "
                "either by the picture's form (`auto`), or positions in the model's list of `classes`."
            ),
        ] = "auto",
        size: Annotated[
            Literal["input", "model"], Form(description="Of the photo: the label map's, or the model's.")
        ] = "input",
        style: Annotated[
            str, Form(description="`prior` (by seed), `mean`, or a vector from /api/style as a JSON list.")
        ] = "prior",
        seed: _Seed = 0,
        style_to: Annotated[
            str | None, Form(description="Another style: the photo's lies between the two.")
        ] = None,
        seed_to: _Seed = 0,
        share: Annotated[float, Form(ge=0, le=1, description="How far towards the other style.")] = 0.0,
        window: Annotated[
            str | None,
            Form(
                max_length=64,
                description="Any name of who asks. A newer request of the same name replaces one that waits, "
                "which is answered with 409.",
            ),
        ] = None,
    ) -> Response:
        """A PNG whose metadata says how to make it again (`ccfpse remake`).

        The same request always gives the same photo, whatever else is being asked.
        """
        label_content = await labels.read()
        instance_content = None if instances is None else await instances.read()
        wish = StyleWish(style=style, seed=seed, style_to=style_to, seed_to=seed_to, share=share)

        def work() -> tuple[bytes, float]:
            before = time.monotonic()
            photo = studio.photo(label_content, instance_content, wish, coding, size)
            return photo, time.monotonic() - before

        photo, seconds = await _answer(request, queue.submit(work, window))
        return _png(photo, {"Server-Timing": f"network;dur={1000 * seconds:.1f}"})

    @router.post("/style", summary="Style of a photo")
    async def style_of(
        request: Request, photo: Annotated[UploadFile, File(description="JPEG, PNG, WebP, TIFF or BMP.")]
    ) -> dict[str, list[float]]:
        """The vector that /api/synthesize takes as `style`, for models with a style encoder."""
        content = await photo.read()
        return {"style": await _answer(request, queue.submit(lambda: studio.style_of(content)))}


def _add_layouts(router: APIRouter, studio: Studio, queue: WorkQueue) -> None:
    @router.get("/layouts/{index}", summary="A layout to begin with")
    async def layout(request: Request, index: int) -> dict[str, Any]:
        """In the form of a layout file; /api/model says how many there are."""
        return await _answer(request, queue.submit(lambda: studio.offered(index)))

    @router.post("/open", summary="Open a label map or a layout file")
    async def open_(
        request: Request, file: Annotated[UploadFile, File(description="Label map or layout file.")]
    ) -> dict[str, Any]:
        """In the form of a layout file, with the model's classes, reduced to the pixels of its size."""
        content, name = await file.read(), (file.filename or "the file")[:200]
        return await _answer(request, queue.submit(lambda: studio.opened(content, name)))

    @router.post("/label", summary="Label map for other programs", responses=_PNG, response_class=Response)
    async def label(
        request: Request,
        labels: _Labels,
        kind: Annotated[Literal["ids", "colors"], Form(description="Values or colours of the class table.")],
    ) -> Response:
        """Takes positions in the model's list of classes, gives the data set's own coding."""
        content = await labels.read()
        return _png(await _answer(request, queue.submit(lambda: studio.label_map(content, kind))))


def _png(content: bytes, headers: dict[str, str] | None = None) -> Response:
    return Response(content, media_type="image/png", headers=headers)


async def _answer(request: Request, future: Future[Result]) -> Result:
    """The result, unless who asked goes away first: then the work is taken out if it has not begun.

    Raises:
        Gone: who asked is no longer there.
    """
    result = asyncio.wrap_future(future)
    gone = asyncio.ensure_future(_left(request))
    try:
        either: set[asyncio.Future[Any]] = {result, gone}
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if not result.done():
            result.cancel()
            raise Gone
        if result.cancelled():
            raise QueueFull("the server is being stopped")
        return result.result()
    finally:
        gone.cancel()


async def _left(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
