// The page as a whole: what is chosen, and what follows from it.

import { download, greyPng, layoutFile, numbersOf } from "./files.js";
import { pointerInput, keyInput } from "./input.js";
import { History, Layout } from "./layout.js";
import { Palette } from "./palette.js";
import { ask, askJson, form, Photographer } from "./server.js";
import { StyleChoice } from "./style.js";
import { Painter, TOOLS } from "./tools.js";
import { View } from "./view.js";

const byId = (id) => document.getElementById(id);
const model = await askJson("api/model", {}, complain).catch((error) => {
  complain(`${error.message} Reload this page.`);
  throw error;
});
const names = model.classes.map((one) => one.name);
const kept = `ccfpse paint ${model.sha256}`;

const layout = Layout.filled(model.width, model.height, model.ground);
const history = new History(layout);
const view = new View(layout, model.classes.map((one) => one.color));
const board = {
  layout, classes: model.classes, hasBoundary: model.has_boundary, eraser: model.eraser,
  tool: "brush", selected: model.ground, size: 8, isNewObject: true,
  drawn: () => view.drawSoon(),
  picked: (id) => { palette.select(id); chooseTool("brush"); },
  changed: (was) => { history.keep(was); refresh(); },
};
const painter = new Painter(board);
const palette = new Palette(model.classes, (id) => {
  board.selected = id;
  if (board.tool === "eraser" || board.tool === "picker") chooseTool("brush");
  say(`${names[id]}`);
});
const style = model.style_dim === null ? null : new StyleChoice(model, () => photograph(), complain);
let photo = null; // of the layout as it is
let newest = 0; // photo that was asked for


function say(text) {
  byId("said").textContent = text;
}

/** Shows a sentence until it is dismissed; none: takes it away. */
function complain(text) {
  byId("message").firstElementChild.textContent = text;
  byId("message").hidden = !text;
}

byId("message").querySelector("button").addEventListener("click", () => { byId("message").hidden = true; });


function tell({ state, sentence }) {
  byId("photo-pane").dataset.state = state;
  byId("state").textContent = sentence ?? "working …";
}

const photographer = new Photographer(tell);

async function photograph() {
  keep();
  photo = null;
  const mine = (newest += 1), shown = layout.copy(); // it may be drawn on in the meantime
  const fields = async () => ({
    labels: await greyPng(shown.labels, shown.width, shown.height),
    instances: model.has_boundary && shown.hasObjects() ? await greyPng(shown.instances(), shown.width, shown.height) : null,
    coding: "classes",
    ...(style?.fields ?? {}),
  });
  const found = await photographer.photo(fields);
  if (!found) return;
  const url = URL.createObjectURL(found.blob), before = byId("photo").src;
  for (const id of ["photo", "under"]) byId(id).src = url;
  await byId("photo").decode().catch(() => {}); // a newer one has come
  byId("photo").hidden = false;
  if (before) URL.revokeObjectURL(before);
  if (mine !== newest) return;
  photo = found.blob;
  const sentence = `made in ${found.milliseconds < 995 ? `${Math.round(found.milliseconds)} ms` : `${(found.milliseconds / 1000).toFixed(1)} s`}`;
  tell({ state: "ready", sentence });
}

/** The layout or what belongs to it has changed. */
function refresh() {
  byId("undo").disabled = !history.before.length;
  byId("redo").disabled = !history.after.length;
  view.draw();
  photograph();
}



function chooseTool(name) {
  if (painter.isBusy) painter.cancel();
  view.preview = null;
  board.tool = name;
  for (const button of byId("tools").children) {
    const isOn = button.dataset.tool === name;
    button.setAttribute("aria-checked", String(isOn));
    button.tabIndex = isOn ? 0 : -1;
  }
  const hints = {
    brush: "Pick a class and draw here.", fill: "Click an area to fill it.",
    line: "Drag from end to end.", rectangle: "Drag from corner to corner.",
    polygon: "Click the corners; the first one again closes it.",
    eraser: `Paints ${names[model.eraser]}.`, picker: "Click to take a class from the layout.",
  };
  byId("hint").textContent = hints[name];
  view.drawOverlay();
}

for (const [name, title, key] of TOOLS) {
  const button = document.createElement("button");
  Object.assign(button, { type: "button", className: "icon", title: `${title} (${key})` });
  if (name === "eraser") button.title = `Eraser: paints ${names[model.eraser]} (E)`;
  button.dataset.tool = name;
  button.setAttribute("role", "radio");
  button.setAttribute("aria-label", title);
  button.innerHTML = `<svg><use href="#i-${name}"/></svg>`; // our own names only
  button.addEventListener("click", () => chooseTool(name));
  byId("tools").append(button);
}
byId("tools").addEventListener("keydown", (event) => {
  const steps = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };
  if (!(event.key in steps)) return;
  const at = TOOLS.findIndex(([name]) => name === board.tool);
  chooseTool(TOOLS[(at + steps[event.key] + TOOLS.length) % TOOLS.length][0]);
  byId("tools").querySelector("[tabindex='0']").focus();
  event.preventDefault();
  event.stopPropagation();
});

function setSize(size) {
  board.size = Math.min(Number(byId("size").max), Math.max(1, size));
  byId("size").value = board.size;
  byId("size-shown").textContent = board.size;
}
byId("size").max = Math.max(8, Math.round(Math.max(model.width, model.height) / 3));
byId("size").addEventListener("input", () => setSize(Number(byId("size").value)));
byId("opacity").addEventListener("input", () => {
  view.canvas.style.opacity = byId("opacity").value / 100;
  byId("opacity-shown").textContent = `${byId("opacity").value} %`;
});
byId("new-object").addEventListener("change", () => { board.isNewObject = byId("new-object").checked; });

const actions = {
  undo: () => {
    if (painter.points.length && board.tool === "polygon") { // one corner after the other
      painter.points.pop();
      view.preview = painter.points.length ? { points: [...painter.points], isClosed: false } : null;
      view.drawOverlay();
    } else if (!painter.isBusy && history.undo()) refresh();
  },
  redo: () => { if (!painter.isBusy && history.redo()) refresh(); },
  "zoom-in": () => view.zoomTo(view.zoom * 1.5),
  "zoom-out": () => view.zoomTo(view.zoom / 1.5),
  whole: () => view.zoomTo(1),
  help: () => byId("help").showModal(),
  open: () => byId("open-file").click(),
  save: () => save("layout"),
  search: () => { byId("search").focus(); byId("search").select(); },
  smaller: () => setSize(board.size - Math.max(1, Math.round(board.size / 8))),
  larger: () => setSize(board.size + Math.max(1, Math.round(board.size / 8))),
  object: () => byId("new-object").click(),
};
for (const id of ["undo", "redo", "zoom-in", "zoom-out", "open"]) byId(id).addEventListener("click", actions[id]);
byId("help-button").addEventListener("click", actions.help);
pointerInput(view, board, painter);
keyInput(view, board, painter, { actions, chooseTool, say, names });



/** Takes a layout as the server gives it; the one before can be had back by undo. */
async function take(held, { isUndone = true } = {}) {
  const numbers = await numbersOf(held);
  if (painter.isBusy) painter.cancel(); // what was being drawn is of the layout before
  const was = layout.copy();
  layout.takeFrom(numbers);
  if (isUndone) history.keep(was);
  if (held.style && style) style.show(held.style);
  view.zoomTo(1);
  palette.arrange(layout.labels);
  refresh();
}

async function openFile(file) {
  if (file.size > model.most_bytes) return complain(`${file.name} is larger than ${model.most_bytes / 2 ** 20} MiB; reduce it.`);
  try {
    await take(await askJson("api/open", form({ file }), complain));
    say(`${file.name} is open`);
  } catch (error) {
    complain(error.message);
  }
}

byId("open-file").addEventListener("change", () => {
  if (byId("open-file").files[0]) openFile(byId("open-file").files[0]);
  byId("open-file").value = "";
});
document.addEventListener("dragover", (event) => event.preventDefault());
document.addEventListener("drop", (event) => {
  event.preventDefault();
  if (event.dataTransfer.files[0]) openFile(event.dataTransfer.files[0]);
});
byId("new").addEventListener("click", () => {
  const was = layout.copy();
  layout.takeFrom(Layout.filled(model.width, model.height, model.ground));
  history.keep(was);
  palette.arrange(layout.labels);
  refresh();
});

async function offer() {
  for (let i = 0; i < model.layouts; i++) {
    let held;
    try {
      held = await askJson(`api/layouts/${i}`);
    } catch (error) {
      complain(error.message);
      continue;
    }
    const numbers = await numbersOf(held), button = document.createElement("button"), picture = document.createElement("canvas");
    Object.assign(picture, { width: numbers.width, height: numbers.height });
    picture.getContext("2d").putImageData(view.picture(numbers), 0, 0);
    button.type = "button";
    button.setAttribute("aria-label", `Layout ${i + 1}`);
    button.append(picture);
    button.addEventListener("click", () => take(held));
    byId("layouts").append(button);
  }
}



const saved = async () => layoutFile(layout, names, style?.value ?? null);

async function save(what) {
  byId("save").open = false;
  try {
    if (what === "photo") {
      if (photo) download(photo, "photo.png");
      else complain("The photo of this layout is not there yet.");
    } else if (what === "layout") {
      download(new Blob([JSON.stringify(await saved())], { type: "application/json" }), "layout.ccfpse.json");
    } else if (what === "instances") {
      download(await greyPng(layout.instances(), layout.width, layout.height), "instances.png");
    } else {
      const labels = await greyPng(layout.labels, layout.width, layout.height);
      const response = await ask("api/label", form({ labels, kind: what }));
      download(await response.blob(), what === "ids" ? "labels.png" : "labels-in-colours.png");
    }
  } catch (error) {
    complain(error.message);
  }
}

for (const button of document.querySelectorAll("[data-save]")) button.addEventListener("click", () => save(button.dataset.save));
document.addEventListener("pointerdown", (event) => { if (!byId("save").contains(event.target)) byId("save").open = false; });

// What is painted survives a reload of this tab.
async function keep() {
  try {
    sessionStorage.setItem(kept, JSON.stringify(await saved()));
  } catch { /* the browser keeps nothing; saving as a file still works */ }
}

function found() {
  try {
    return sessionStorage.getItem(kept);
  } catch {
    return null; // the browser keeps nothing
  }
}

/** Begins with what this tab kept, or with the first layout. Until then nothing may be painted, or it would be lost. */
async function begin() {
  const held = found();
  try {
    if (held) {
      const file = new File([held], "the layout kept by this tab");
      return await take(await askJson("api/open", form({ file }), complain), { isUndone: false });
    }
  } catch (error) {
    if (error.status !== 400) throw error; // it may be readable yet
  }
  return take(await askJson("api/layouts/0", {}, complain), { isUndone: false });
}



byId("facts").textContent = `${model.name} · ${model.height}×${model.width} · ${names.length} classes`;
byId("eraser-note").textContent = `The eraser paints ${names[model.eraser]}.`;
byId("style").hidden = style === null;
if (!model.has_boundary || !model.classes.some((one) => one.has_objects)) {
  for (const part of document.querySelectorAll(".of-objects")) part.remove();
  byId("new-object")?.remove();
}
setSize(Math.max(2, Math.round(model.width / 16)));
chooseTool("brush");
document.body.inert = true;
await begin().catch((error) => {
  complain(`${error.message} Reload this page.`);
  throw error;
});
document.body.inert = false;
const usual = ["car", "person", "tree", "vegetation", "building"].map((name) => names.indexOf(name)).find((id) => id >= 0);
palette.select(usual ?? model.ground);
document.documentElement.dataset.ready = "yes"; // for whoever drives this page by program
await offer();
