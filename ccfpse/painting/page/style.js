// The style of the photo: one end, or two and a place between them.

import { askJson, form } from "./server.js";

class End {
  constructor(title, mostBytes, changed, failed) {
    this.value = { kind: "prior", seed: 0 };
    this.photo = null;
    this.pictured = null; // the vector whose photo is shown
    this.turn = 0; // counts what was chosen
    this.mostBytes = mostBytes;
    this.changed = changed;
    this.failed = failed;
    this.box = document.getElementById("end-of-style").content.cloneNode(true).querySelector("fieldset");
    this.box.querySelector("legend").textContent = title;
    const find = (what) => this.box.querySelector(what);
    [this.slider, this.number] = [find(".seed [type=range]"), find(".seed [type=number]")];
    [this.drop, this.file, this.shown] = [find(".drop"), find("[type=file]"), find(".drop img")];
    this.radios = [...this.box.querySelectorAll("[type=radio]")];
    for (const radio of this.radios) {
      radio.name = `kind of ${title}`;
      radio.addEventListener("change", () => this.#kind(radio.value));
    }
    for (const input of [this.slider, this.number]) {
      input.addEventListener("input", () => {
        if (input.value !== "" && input.validity.valid) this.#set({ kind: "prior", seed: Number(input.value) });
      });
    }
    find(".drop button").addEventListener("click", () => this.file.click());
    this.file.addEventListener("change", () => {
      if (this.file.files[0]) this.take(this.file.files[0]);
      this.file.value = ""; // the same file may be chosen again
    });
    const { box } = this;
    box.addEventListener("dragover", (event) => { event.preventDefault(); event.stopPropagation(); box.classList.add("over"); });
    box.addEventListener("dragleave", () => box.classList.remove("over"));
    box.addEventListener("drop", (event) => {
      event.preventDefault();
      event.stopPropagation();
      box.classList.remove("over");
      if (event.dataTransfer.files[0]) this.take(event.dataTransfer.files[0]);
    });
  }

  /** Takes the style of a photo in a file. */
  async take(file) {
    if (file.size > this.mostBytes) return this.failed(`${file.name} is larger than ${this.mostBytes / 2 ** 20} MiB; reduce it.`);
    const mine = (this.turn += 1);
    try {
      const { style } = await askJson("api/style", form({ photo: file }), this.failed);
      if (mine !== this.turn) return; // something else was chosen in the meantime
      this.pictured = style;
      URL.revokeObjectURL(this.shown.src);
      this.shown.src = URL.createObjectURL(file);
      this.#set({ kind: "photo", name: file.name, vector: style });
    } catch (error) {
      this.failed(error.message);
    }
  }

  show(value) {
    this.value = value;
    this.turn += 1;
    if (value.kind === "photo") this.photo = value;
    for (const radio of this.radios) radio.checked = radio.value === value.kind;
    this.#view(value.kind);
    if (value.kind === "prior") [this.slider.value, this.number.value] = [value.seed, value.seed];
    this.drop.querySelector("button").textContent = value.kind === "photo" ? value.name : "Choose a photo, or drop one here";
    this.shown.hidden = value.kind !== "photo" || value.vector !== this.pictured;
  }

  #view(kind) {
    this.box.querySelector(".seed").hidden = kind !== "prior";
    this.drop.hidden = kind !== "photo";
  }

  #kind(kind) {
    if (kind === "prior") this.#set({ kind, seed: Number(this.number.value) || 0 });
    else if (kind === "mean") this.#set({ kind });
    else if (this.photo) this.#set(this.photo);
    else { // no photo yet: the style stays until there is one
      this.#view(kind);
      this.file.click();
    }
  }

  #set(value) {
    this.show(value);
    this.changed();
  }

  get field() {
    return this.value.kind === "photo" ? JSON.stringify(this.value.vector) : this.value.kind;
  }
}

export class StyleChoice {
  constructor(model, changed, failed) {
    this.ends = ["Style", "Second style"].map((title) => new End(title, model.most_bytes, changed, failed));
    const between = document.getElementById("between-styles").content.cloneNode(true);
    [this.blend, this.share, this.row] = ["#blend", "#share", "#share-row"].map((what) => between.querySelector(what));
    document.getElementById("style-ends").append(this.ends[0].box, between, this.ends[1].box);
    this.blend.addEventListener("change", () => { this.#view(); changed(); });
    this.share.addEventListener("input", changed);
    if (!model.takes_photos) for (const end of this.ends) end.box.querySelector(".of-photos").remove();
    this.ends[1].show({ kind: "prior", seed: 1 });
    this.#view();
  }

  #view() {
    this.row.hidden = this.ends[1].box.hidden = !this.blend.checked;
  }

  /** As a layout file keeps it. */
  get value() {
    return {
      from: this.ends[0].value,
      to: this.blend.checked ? this.ends[1].value : null,
      share: Number(this.share.value) / 100,
    };
  }

  show(value) {
    this.ends[0].show(value.from);
    this.blend.checked = value.to !== null;
    if (value.to) this.ends[1].show(value.to);
    this.share.value = Math.round(100 * value.share);
    this.#view();
  }

  /** As fields of a request. */
  get fields() {
    const [from, to] = this.ends;
    const first = { style: from.field, seed: from.value.seed ?? 0 };
    if (!this.blend.checked) return first;
    return { ...first, style_to: to.field, seed_to: to.value.seed ?? 0, share: this.value.share };
  }
}
