// The classes to choose from: those of the layout first, a search field, arrow keys.

export class Palette {
  constructor(classes, changed) {
    this.changed = changed;
    this.list = document.getElementById("classes");
    this.search = document.getElementById("search");
    this.selected = 0;
    this.rows = classes.map((one, id) => {
      const row = document.createElement("div");
      Object.assign(row, { id: `class-${id}`, className: "class", title: one.name });
      row.setAttribute("role", "option");
      const swatch = document.createElement("i"), name = document.createElement("span");
      swatch.style.background = one.color;
      name.textContent = one.name; // as text: names come from a file
      row.append(swatch, name);
      row.addEventListener("click", () => this.select(id));
      return row;
    });
    this.search.addEventListener("input", () => this.#filter());
    this.search.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && this.#shown().length) {
        this.select(this.#shown()[0]);
        this.#leaveSearch();
      } else if (event.key === "Escape") this.#leaveSearch();
      else if (event.key === "ArrowDown" && this.#shown().length) this.list.focus();
      else return;
      event.preventDefault();
      event.stopPropagation();
    });
    this.list.addEventListener("keydown", (event) => this.#key(event));
  }

  /** Shows the classes of a layout above the others. */
  arrange(labels) {
    const used = new Set(labels);
    const group = (title, ids) => {
      const box = document.createElement("div"), head = document.createElement("h2");
      box.setAttribute("role", "group");
      box.setAttribute("aria-label", title);
      head.textContent = title;
      head.setAttribute("aria-hidden", "true");
      box.append(head, ...ids.map((id) => this.rows[id]));
      return box;
    };
    const ids = this.rows.map((_, id) => id);
    const [here, others] = [ids.filter((id) => used.has(id)), ids.filter((id) => !used.has(id))];
    this.order = [...here, ...others];
    const groups = [group("In this layout", here)];
    if (others.length) groups.push(group(here.length ? "Others" : "Classes", others));
    this.list.replaceChildren(...groups);
    this.#filter();
  }

  select(id) {
    this.selected = id;
    this.rows.forEach((row, other) => row.setAttribute("aria-selected", String(other === id)));
    this.list.setAttribute("aria-activedescendant", `class-${id}`);
    const row = this.rows[id];
    if (row.offsetTop < this.list.scrollTop || row.offsetTop + row.offsetHeight > this.list.scrollTop + this.list.clientHeight) {
      this.list.scrollTop = row.offsetTop - this.list.clientHeight / 2;
    }
    if (row.offsetLeft < this.list.scrollLeft || row.offsetLeft + row.offsetWidth > this.list.scrollLeft + this.list.clientWidth) {
      this.list.scrollLeft = row.offsetLeft - this.list.clientWidth / 2;
    }
    this.changed(id);
  }

  #shown() {
    return this.order.filter((id) => !this.rows[id].hidden);
  }

  #filter() {
    const wanted = this.search.value.trim().toLocaleLowerCase();
    for (const row of this.rows) row.hidden = !row.title.toLocaleLowerCase().includes(wanted);
    for (const group of this.list.children) group.hidden = !group.querySelector(".class:not([hidden])");
    document.getElementById("no-class").hidden = this.#shown().length > 0;
  }

  #leaveSearch() {
    this.search.value = "";
    this.#filter();
    document.getElementById("overlay").focus({ preventScroll: true });
  }

  #key(event) {
    const shown = this.#shown(), at = shown.indexOf(this.selected);
    const steps = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1, PageDown: 10, PageUp: -10, Home: -shown.length, End: shown.length };
    if (!(event.key in steps) || !shown.length) return;
    this.select(shown[Math.min(shown.length - 1, Math.max(0, at + steps[event.key]))]);
    event.preventDefault();
    event.stopPropagation();
  }
}
