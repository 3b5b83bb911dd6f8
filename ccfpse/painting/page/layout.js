// The layout that is being painted, and what it was before.

const MOST_BYTES_KEPT = 2 ** 26;

export class Layout {
  constructor(width, height, labels, objects) {
    Object.assign(this, { width, height, labels, objects });
  }

  static filled(width, height, value) {
    return new Layout(width, height, new Uint8Array(width * height).fill(value), new Uint16Array(width * height));
  }

  copy() {
    return new Layout(this.width, this.height, this.labels.slice(), this.objects.slice());
  }

  takeFrom(other) {
    Object.assign(this, { width: other.width, height: other.height });
    this.labels = other.labels.slice();
    this.objects = other.objects.slice();
  }

  isSame(other) {
    return this.width === other.width && this.height === other.height
      && this.labels.every((v, i) => v === other.labels[i]) && this.objects.every((v, i) => v === other.objects[i]);
  }

  newObject() {
    let most = 0;
    for (const number of this.objects) if (number > most) most = number;
    return Math.min(most + 1, 65535);
  }

  /** Instance numbers: class ids, and 256 and more for objects, as a layout file's reader makes them. */
  instances() {
    return Uint16Array.from(this.labels, (label, i) => (this.objects[i] ? Math.min(this.objects[i] + 255, 65535) : label));
  }

  hasObjects() {
    return this.objects.some((number) => number > 0);
  }
}

export class History {
  constructor(layout) {
    this.layout = layout;
    this.before = [];
    this.after = [];
  }

  /** Keeps what the layout was; call it when the change is done. */
  keep(was) {
    this.before.push(was);
    this.after = [];
    const bytes = 3 * was.width * was.height;
    while (this.before.length > 1 && this.before.length * bytes > MOST_BYTES_KEPT) this.before.shift();
  }

  undo() { return this.#move(this.before, this.after); }

  redo() { return this.#move(this.after, this.before); }

  #move(from, to) {
    if (!from.length) return false;
    to.push(this.layout.copy());
    this.layout.takeFrom(from.pop());
    return true;
  }
}
