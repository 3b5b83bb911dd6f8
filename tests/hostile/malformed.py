"""Malformed inputs of all commands: how to make each, the command line, and what its sentence names."""

import dataclasses
import itertools
from collections.abc import Callable, Iterator, Mapping

from tests.hostile.archives import BAD_ARCHIVES, BAD_LISTS, BAD_OUTLINES, make_camvid, make_coco
from tests.hostile.bench import SETTINGS, Bench, Command
from tests.hostile.recipes import BAD_RECIPES, BAD_VECTORS
from tests.hostile.records import BAD_ANSWERS, BAD_EVALUATIONS, BAD_MANIFESTS, BAD_ROWS, BAD_STORES
from tests.hostile.spoiling import BAD_LABELS, BAD_PICTURES, NO_FILES, Spoil, folder, link_to, pipe
from tests.hostile.texts import BAD_TABLES, INFINITY, NO_JSON, NO_YAML, with_keys
from tests.hostile.unfinished import unfinished
from tests.hostile.weights import BAD_CHECKPOINTS, BAD_MODELS, BAD_PACKED, BAD_SAFETENSORS

SYNTHESIZE = "synthesize labels out --model model.safetensors"
REMAKE = "remake photos/good.png --labels labels --model model.safetensors"
PAINT = "paint model.safetensors --port 0"
_ON_SMALL = ("synthesize labels out --model small.safetensors", ("labels",))
NO_WEIGHTS = {name: NO_FILES[name] for name in ("pipe", "device")}


@dataclasses.dataclass(frozen=True)
class Malformed:
    """One of them."""

    name: str
    make: Callable[[Bench], Command]
    """Makes the files and says the command."""
    told: str
    """The name that the sentence holds."""


def malformed() -> Iterator[Malformed]:
    """All of them."""
    yield from _settings()
    yield from _class_tables()
    yield from _raw_data()
    yield from _label_maps_and_photos()
    yield from _models()
    yield from _recipes_and_styles()
    yield from _projects()
    yield from _checkpoints()
    yield from _stores()
    yield from _networks()
    yield from _evaluations()
    yield from _studies()
    yield from _links()
    yield from itertools.starmap(Malformed, unfinished())


def spoiled(
    what: str, at: str, spoils: Mapping[str, Spoil], *ways: tuple[str, tuple[str, ...]], told: str = ""
) -> Iterator[Malformed]:
    """Every bad thing in the place of a good file, the command lines taking turns.

    Args:
        what: of the case's name.
        at: path of the file, whose first part is taken from the shelf where that has it.
        spoils: by name.
        ways: a command line, and what else it takes from the shelf.
        told: what the sentence holds; otherwise the file's own name.
    """
    for (name, spoil), (line, taken) in zip(spoils.items(), itertools.cycle(ways)):
        make = _make(at, spoil, line, taken)
        yield Malformed(f"{line.split()[0]}: {what}, {name}", make, told or at.split("/")[-1])


def _make(at: str, spoil: Spoil, line: str, taken: tuple[str, ...]) -> Callable[[Bench], Command]:
    def make(bench: Bench) -> Command:
        for name in taken:
            bench.take(name)
        if bench.has(first := at.split("/")[0]):
            bench.take(first)
        spoil(bench.folder / at)
        return line.split()

    return make


_WITH_SETTINGS = ("raw",)
_COMMANDS = tuple(
    (line, _WITH_SETTINGS)
    for line in (
        "scan",
        "judge",
        "prepare",
        "train",
        "evaluate",
        "loss-network",
        "describe",
        "clean",
        "compare",
        "report",
        "synthesize raw/val/labels out",
        "remake synthesized/town/a.png",
        "styles raw/val/labels out.png",
        "evaluate --show",
        "compare --collect",
        "train --dry-run",
        "report --grid",
    )
)


def _settings() -> Iterator[Malformed]:
    yield from spoiled("settings", SETTINGS, NO_YAML | NO_FILES, *_COMMANDS)
    values = {
        "a rate that is not a number": ("train", "train.learning_rate_generator", float("nan")),
        "an infinite weight": ("train", "train.weight_style", float("inf")),
        "a path with a zero byte": ("scan", "data.source", "a\0b"),
        "a number that is a list": ("judge", "judge.steps", [[1] * 1000]),
        "a name that clears the screen": ("compare", "compare.run", ["\x1b[2J"]),
        "a data set from a script": ("prepare", "data.dataset", "<script>alert(1)</script>"),
    }
    for name, (line, key, value) in values.items():
        yield Malformed(f"{line}: settings, {name}", _edit(line, key, value), SETTINGS)


def _edit(line: str, key: str, value: object) -> Callable[[Bench], Command]:
    def make(bench: Bench) -> Command:
        bench.edit(key, value)
        bench.take("raw")
        return line.split()

    return make


def _class_tables() -> Iterator[Malformed]:
    ways = (
        ("prepare", (SETTINGS,)),
        (
            f"{SYNTHESIZE} --classes raw/classes.yaml",
            ("labels", "model.safetensors"),
        ),
        (
            "study make study_a study_b --labels study_labels --classes raw/classes.yaml --out out",
            ("study_a", "study_b", "study_labels"),
        ),
        ("describe", (SETTINGS,)),
    )
    yield from spoiled("class table", "raw/classes.yaml", BAD_TABLES | NO_YAML | NO_FILES, *ways)


def _raw_data() -> Iterator[Malformed]:
    prepare = ("prepare", (SETTINGS,))
    pictures = BAD_PICTURES | NO_FILES
    yield from spoiled("photo", "raw/train/images/town/a.png", pictures, prepare)
    yield from spoiled("label map", "raw/val/labels/town/b.png", pictures | BAD_LABELS, prepare)
    yield from spoiled("instance map", "raw/val/instances/town/a.png", BAD_PICTURES, prepare)
    yield from spoiled("archive", "raw/more.zip", BAD_ARCHIVES, prepare, ("scan", (SETTINGS,)))
    for name, (outlines, told) in BAD_OUTLINES.items():
        yield Malformed(f"prepare: outlines, {name}", make_coco(outlines), told)
    for name, (listing, told) in BAD_LISTS.items():
        yield Malformed(f"prepare: list, {name}", make_camvid(listing), told)


def _label_maps_and_photos() -> Iterator[Malformed]:
    synthesize = (SYNTHESIZE, ("model.safetensors",))
    paint = (f"{PAINT} --layouts labels", ("model.safetensors",))
    spoils = BAD_PICTURES | BAD_LABELS | NO_FILES
    yield from spoiled("label map", "labels/bad.png", spoils, synthesize, paint)
    yield from spoiled(
        "instance map",
        "raw/good.png",
        {name: BAD_PICTURES[name] for name in ("words", "animated png", "cut png")} | NO_WEIGHTS,
        (f"{SYNTHESIZE} --instances raw", ("model.safetensors", "labels")),
    )
    yield from spoiled(
        "photo of a style",
        "style.jpg",
        BAD_PICTURES | NO_FILES,
        (
            "synthesize labels out --model style.safetensors --style style.jpg",
            ("labels", "style.safetensors"),
        ),
    )


def _models() -> Iterator[Malformed]:
    spoils = BAD_SAFETENSORS | BAD_MODELS | NO_FILES
    ways = (
        (SYNTHESIZE, ("labels",)),
        ("export model.safetensors photos.onnx", ()),
        (PAINT, ()),
        ("shrink model.safetensors small.safetensors", ()),
        ("styles labels out.png --model model.safetensors", ("labels",)),
        (REMAKE, ("labels", "photos")),
    )
    yield from spoiled("model file", "model.safetensors", spoils, *ways)
    yield from spoiled("model file of 8 bits", "small.safetensors", BAD_PACKED, _ON_SMALL)
    first = ("huge width", "class with an infinite value", "missing weights", "header of lists within lists")
    for name in (*first, "tensors that overlap", "header of 2^60 bytes", "pickle", "pipe"):
        make = _start_from(spoils[name])
        yield Malformed(f"train: model file to start from, {name}", make, "first.safetensors")


def _recipes_and_styles() -> Iterator[Malformed]:
    taken = ("model.safetensors", "labels")
    yield from spoiled("photo", "photos/good.png", BAD_PICTURES | BAD_RECIPES | NO_FILES, (REMAKE, taken))
    pictures = {name: spoil for i, (name, spoil) in enumerate(BAD_PICTURES.items()) if i % 3 == 0}
    ways = (
        (REMAKE, ("model.safetensors", "photos")),
        ("styles labels out.png --model style.safetensors --layouts 9", ("style.safetensors",)),
    )
    yield from spoiled("label map", "labels/good.png", pictures | BAD_LABELS | NO_WEIGHTS, *ways)
    model = ("labels", "style.safetensors")
    ways = (
        ("styles labels out.png --model style.safetensors --style style.npy", model),
        (
            "synthesize labels out --model style.safetensors --style style.npy --style mean --share 0.5",
            model,
        ),
    )
    yield from spoiled("vector of a style", "style.npy", BAD_VECTORS | NO_FILES, *ways)


def _projects() -> Iterator[Malformed]:
    line = "init new --images raw/train/images --labels raw/train/labels"
    spoils = BAD_SAFETENSORS | BAD_MODELS | NO_FILES
    yield from spoiled(
        "model file", "model.safetensors", spoils, (f"{line} --start-from model.safetensors", ("raw",))
    )


def _start_from(spoil: Spoil) -> Callable[[Bench], Command]:
    def make(bench: Bench) -> Command:
        bench.take("prepared", "loss_network")
        bench.take("model.safetensors").rename(bench.folder / "first.safetensors")
        bench.edit("train.init", "first.safetensors")
        spoil(bench.folder / "first.safetensors")
        return ["train"]

    return make


def _checkpoints() -> Iterator[Malformed]:
    line = "import --generator net_G.pth --dataset cityscapes --out out.safetensors"
    for name, spoil in BAD_CHECKPOINTS.items():
        yield Malformed(
            f"import: generator, {name}", _spoil_new("net_G.pth", spoil, line.split()), "net_G.pth"
        )
    settings = {"kind": "vgg19", "weights": "vgg19.pth", "small": None}
    for name in ("program", "packed bomb", "weights that are nowhere", "list", "pipe", "device"):

        def make(bench: Bench, spoil: Spoil = BAD_CHECKPOINTS[name]) -> Command:
            bench.take("prepared")
            bench.edit("loss_network", settings)
            spoil(bench.folder / "vgg19.pth")
            return ["loss-network"]

        yield Malformed(f"loss-network: VGG-19, {name}", make, "vgg19.pth")


def _spoil_new(at: str, spoil: Spoil, command: Command) -> Callable[[Bench], Command]:
    def make(bench: Bench) -> Command:
        spoil(bench.folder / at)
        return command

    return make


def _stores() -> Iterator[Malformed]:
    ways = (
        ("judge --out out", (SETTINGS,)),
        ("loss-network --out out", (SETTINGS,)),
        ("train", (SETTINGS, "loss_network")),
        ("synthesize prepared out --model model.safetensors", ("model.safetensors",)),
        ("study make study_a study_b --labels prepared --out out", ("study_a", "study_b")),
        ("evaluate", (SETTINGS, "synthesized", "judge")),
        ("compare --collect", (SETTINGS, "loss_network")),
    )
    yield from spoiled("manifest", "prepared/manifest.json", NO_JSON | BAD_MANIFESTS, *ways, told="prepared")
    yield from spoiled("array", "prepared/val/labels.npy", BAD_STORES, *ways)
    for name in ("pipe", "device"):
        at = "prepared/train/images.npy"
        yield from spoiled("array", at, {name: NO_FILES[name]}, *ways)


def _networks() -> Iterator[Malformed]:
    records = NO_JSON | {
        "infinite settings": with_keys("settings", value={"enlarge": INFINITY, "width": INFINITY}),
        "settings of text": with_keys("settings", value="\x1b[2J"),
        "no settings": with_keys("settings", value=...),
        "another checksum": with_keys("sha256", value="0" * 64),
    }
    evaluate = ("evaluate", (SETTINGS, "prepared", "synthesized"))
    yield from spoiled("judge", "judge/judge.json", records, evaluate, told="judge")
    yield from spoiled("judge's weights", "judge/judge.safetensors", NO_WEIGHTS, evaluate)
    train = ("train", (SETTINGS, "prepared"))
    yield from spoiled("loss network", "loss_network/loss_network.json", records, train, told="loss_network")
    yield from spoiled("loss network's weights", "loss_network/loss_network.safetensors", NO_WEIGHTS, train)


def _evaluations() -> Iterator[Malformed]:
    report, show = ("report evaluation --out page.html", ()), ("evaluate --show", (SETTINGS,))
    pipeline = ("report", (SETTINGS,))
    yield from spoiled(
        "figures", "evaluation/metrics.json", NO_JSON | BAD_EVALUATIONS | NO_WEIGHTS, report, show, pipeline
    )
    two = ("report evaluation second --out page.html", ("second",))
    for file, spoils in BAD_ROWS.items():
        yield from spoiled(file, f"evaluation/{file}", spoils, two)
    pictures = {name: spoil for i, (name, spoil) in enumerate(BAD_PICTURES.items()) if i % 3 == 0}
    yield from spoiled("pictures", "evaluation/pictures.png", pictures | NO_FILES, report, pipeline)
    photos = {name: spoil for i, (name, spoil) in enumerate(BAD_PICTURES.items()) if i % 4 == 0}
    taken = (SETTINGS, "prepared", "judge")
    yield from spoiled("photo", "synthesized/town/b.png", photos | NO_WEIGHTS, ("evaluate", taken))


def _studies() -> Iterator[Malformed]:
    tally, serve = ("study tally study", ()), ("study serve study --host 127.0.0.1 --port 0", ())
    keys = (
        NO_JSON
        | NO_WEIGHTS
        | {
            "a side that is none": with_keys(
                "items", value={"x": {"layout": "a", "kind": "pair", "left": "c", "right": "a"}}
            ),
            "half a character": with_keys("question", value="\ud800"),
            "an unknown key": with_keys("\x1b[2J", value=1),
        }
    )
    yield from spoiled("key", "study/key.json", keys, tally, serve)
    answers = NO_JSON | BAD_ANSWERS | NO_FILES
    yield from spoiled("answers", f"study/answers/{'a' * 24}.json", answers, tally)
    yield from spoiled("page", "study/page/index.html", NO_FILES, serve)
    make = "study make study_a study_b --labels study_labels --checks 0 --out out"
    photos = {name: spoil for i, (name, spoil) in enumerate(BAD_PICTURES.items()) if i % 2 == 0}
    yield from spoiled("photo", "study_a/town/a.png", photos, (make, ("study_b", "study_labels")))
    yield from spoiled("layout", "study_labels/town/b.png", photos, (make, ("study_a", "study_b")))


def _links() -> Iterator[Malformed]:
    def into(bench: Bench, at: str) -> None:
        (bench.folder / "elsewhere").mkdir()
        (bench.folder / at).parent.mkdir(parents=True, exist_ok=True)
        (bench.folder / at).symlink_to(bench.folder / "elsewhere")

    def photos(bench: Bench) -> Command:
        bench.take("model.safetensors", "labels")
        (bench.folder / "labels/town").mkdir()
        (bench.folder / "labels/good.png").rename(bench.folder / "labels/town/good.png")
        into(bench, "out/town")
        return ["synthesize", "labels", "out", "--model", "model.safetensors"]

    def page(bench: Bench) -> Command:
        bench.take("study_a", "study_b", "study_labels")
        into(bench, "out/page")
        return ["study", "make", "study_a", "study_b", "--labels", "study_labels", "--out", "out"]

    def answers(bench: Bench) -> Command:
        bench.take("study")
        (bench.folder / "study/answers").rename(bench.folder / "kept")
        into(bench, "study/answers")
        return ["study", "serve", "study", "--host", "127.0.0.1", "--port", "0"]

    def scenes(bench: Bench) -> Command:
        into(bench, "data/sample/leftImg8bit")
        return ["prepare", "sample", "--source", "data/sample", "--out", "prepared"]

    def store(bench: Bench) -> Command:
        bench.take(SETTINGS, "raw")
        into(bench, "prepared")
        return ["prepare"]

    cases = {"photos": (photos, "good.png"), "page": (page, "index.html"), "answers": (answers, "answers")}
    cases |= {"scenes": (scenes, "leftImg8bit"), "store": (store, "prepared")}
    for name, (make, told) in cases.items():
        yield Malformed(f"a link that leads out of the output, {name}", make, told)

    def name_of_bytes(bench: Bench) -> Command:
        bench.take("model.safetensors", "labels")
        (bench.folder / "labels/good.png").rename(bench.folder / "labels/\udcff.png")
        return ["synthesize", "labels", "out", "--model", "model.safetensors"]

    def raw_name_of_bytes(bench: Bench) -> Command:
        bench.take(SETTINGS, "raw")
        for kind in ("images", "labels", "instances"):
            (bench.folder / f"raw/train/{kind}/town/a.png").rename(
                bench.folder / f"raw/train/{kind}/town/\udcff\x1b[2J.png"
            )
        return ["prepare"]

    yield Malformed("synthesize: a name that is no text", name_of_bytes, r"\udcff.png")
    yield Malformed("prepare: a name that is no text", raw_name_of_bytes, "udcff")
    for name, spoil in {"a pipe": pipe, "a folder": folder, "a device": link_to("/dev/zero")}.items():
        yield Malformed(f"preset: {name}", _spoil_new(SETTINGS, spoil, ["preset", "sample"]), SETTINGS)
