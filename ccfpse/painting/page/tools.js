// What the pen does: it is put down, moved and lifted, by mouse, finger or keys.

import { clipped, polygon, rectangle, region, stroke } from "./raster.js";

export const TOOLS = [
  ["brush", "Brush", "B"], ["fill", "Fill", "F"], ["line", "Line", "L"], ["rectangle", "Rectangle", "R"],
  ["polygon", "Polygon", "P"], ["eraser", "Eraser", "E"], ["picker", "Picker", "I"],
];
export const CLICKED = new Set(["fill", "polygon", "picker"]);

export class Painter {
  /**
   * `board` has layout, classes, hasBoundary, eraser; and what is chosen: tool, selected, size, isNewObject.
   * `board.changed(was)` is told after a change is complete, `board.drawn()` after a part of it,
   * `board.picked(id)` what the picker found.
   */
  constructor(board) {
    this.board = board;
    this.was = null; // the layout before what is being drawn
    this.points = [];
    this.lastObjects = new Map();
  }

  get isBusy() { return this.was !== null || this.points.length > 0; }

  down(point) {
    const { board } = this;
    if (board.tool === "polygon") return;
    if (board.tool === "picker") {
      const at = this.#at(point);
      if (at !== null) board.picked(board.layout.labels[at]);
      return;
    }
    this.#begin(point);
    this.points = [point];
    if (board.tool === "fill") this.#fill(point);
    else this.#shape(point);
    board.drawn();
  }

  move(point) {
    const { board } = this;
    if (!this.was || board.tool === "fill") return;
    this.#shape(point);
    board.drawn();
  }

  up() {
    if (!this.was || this.board.tool === "polygon") return;
    this.#end();
  }

  /** A corner of a polygon; one at the first closes it. */
  corner(point, closeWithin) {
    const [first] = this.points;
    if (this.points.length > 2 && Math.hypot(point[0] - first[0], point[1] - first[1]) <= closeWithin) return this.close();
    const last = this.points.at(-1);
    if (last && Math.hypot(point[0] - last[0], point[1] - last[1]) < 0.01) return this.close();
    this.points.push(point);
    return false;
  }

  close() {
    if (this.board.tool !== "polygon" || this.points.length < 3) return false;
    const { points } = this;
    this.#begin(points[0]);
    polygon(points, this.#plot());
    this.#end();
    return true;
  }

  cancel() {
    if (this.was) this.board.layout.takeFrom(this.was);
    this.was = null;
    this.points = [];
    this.board.drawn();
  }

  #begin(point) {
    const { board } = this;
    this.was = board.layout.copy();
    this.label = board.tool === "eraser" ? board.eraser : board.selected;
    this.number = this.#objectNumber(this.#at(point));
  }

  #end() {
    const { was } = this;
    this.was = null;
    this.points = [];
    this.board.drawn();
    if (!this.board.layout.isSame(was)) this.board.changed(was);
  }

  #objectNumber(at) {
    const { board } = this, { layout } = board;
    if (!board.hasBoundary || !board.classes[this.label].has_objects || board.tool === "eraser") return 0;
    let number = 0;
    if (!board.isNewObject) {
      if (at !== null && layout.labels[at] === this.label) number = layout.objects[at];
      else number = this.lastObjects.get(this.label) ?? 0;
    }
    number ||= layout.newObject();
    this.lastObjects.set(this.label, number);
    return number;
  }

  #shape(point) {
    const { board, points } = this, plot = this.#plot();
    if (board.tool === "line" || board.tool === "rectangle") {
      board.layout.takeFrom(this.was);
      if (board.tool === "line") stroke(points[0], point, board.size, plot);
      else rectangle(points[0], point, plot);
    } else {
      stroke(points[0], point, board.size, plot);
      points[0] = point;
    }
  }

  #fill(point) {
    const at = this.#at(point), { layout } = this.board, { labels, objects } = this.was;
    if (at === null) return;
    region(layout.width, layout.height, at, (n) => labels[n] === labels[at] && objects[n] === objects[at], (n) => this.#set(n));
  }

  #plot() {
    return clipped(this.board.layout.width, this.board.layout.height, (at) => this.#set(at));
  }

  #set(at) {
    this.board.layout.labels[at] = this.label;
    this.board.layout.objects[at] = this.number;
  }

  #at([x, y]) {
    const { width, height } = this.board.layout;
    return x >= 0 && y >= 0 && x < width && y < height ? Math.floor(y) * width + Math.floor(x) : null;
  }
}
