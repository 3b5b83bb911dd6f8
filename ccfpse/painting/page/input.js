// Mouse, fingers and keys, made into what the painter knows.

import { CLICKED, TOOLS } from "./tools.js";

const CORNER_PX = 10; // how near to the first corner a click closes a polygon

const isDrawnWith = (tool) => tool === "brush" || tool === "eraser" || tool === "line";

export function pointerInput(view, board, painter) {
  const { overlay } = view, pointers = new Map();
  let pinch = null;
  const mark = (event, isDown) => {
    const [x, y] = view.pointAt(event.clientX, event.clientY);
    view.pen = { x, y, size: isDrawnWith(board.tool) ? board.size : 0, isDown, byKeys: false };
  };
  const two = () => {
    const [a, b] = [...pointers.values()];
    return { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2, distance: Math.max(1, Math.hypot(a.x - b.x, a.y - b.y)) };
  };

  overlay.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    overlay.setPointerCapture(event.pointerId);
    if (pointers.size === 2) { // two fingers move and zoom; what the first had begun is given up
      if (board.tool !== "polygon") painter.cancel();
      pinch = { ...two(), zoom: view.zoom };
      view.pen = null;
    } else if (pointers.size === 1) {
      mark(event, true);
      painter.down(view.pointAt(event.clientX, event.clientY));
    }
  });
  overlay.addEventListener("pointermove", (event) => {
    if (pointers.has(event.pointerId)) pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    if (pinch && pointers.size === 2) {
      const now = two();
      view.zoomTo((pinch.zoom * now.distance) / pinch.distance, pinch.x, pinch.y);
      view.scrollBy(now.x - pinch.x, now.y - pinch.y);
      Object.assign(pinch, { x: now.x, y: now.y, zoom: view.zoom, distance: now.distance });
      return;
    }
    if (pinch) return;
    mark(event, pointers.has(event.pointerId));
    const points = event.getCoalescedEvents?.() ?? [];
    if (pointers.has(event.pointerId)) {
      for (const one of points.length ? points : [event]) painter.move(view.pointAt(one.clientX, one.clientY));
    }
    showCorners(view, board, painter, view.pointAt(event.clientX, event.clientY));
    view.drawSoon();
  });
  const lift = (event) => {
    if (!pointers.delete(event.pointerId)) return;
    if (pinch) {
      if (!pointers.size) pinch = null;
      return;
    }
    if (event.type === "pointercancel") painter.cancel();
    else if (board.tool === "polygon") {
      const within = (CORNER_PX * view.layout.width) / view.sheet.getBoundingClientRect().width;
      painter.corner(view.pointAt(event.clientX, event.clientY), within);
      showCorners(view, board, painter);
    } else painter.up();
    if (event.pointerType !== "mouse") view.pen = null;
    view.drawOverlay();
  };
  overlay.addEventListener("pointerup", lift);
  overlay.addEventListener("pointercancel", lift);
  overlay.addEventListener("pointerleave", () => { view.pen = null; view.drawOverlay(); });
  overlay.addEventListener("contextmenu", (event) => event.preventDefault());
  view.frame.addEventListener("wheel", (event) => {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    view.zoomTo(view.zoom * Math.exp(-event.deltaY / 300), event.clientX, event.clientY);
  }, { passive: false });
}

function showCorners(view, board, painter, next = null) {
  const isOpen = board.tool === "polygon" && painter.points.length > 0;
  view.preview = isOpen ? { points: [...painter.points, ...(next ? [next] : [])], isClosed: false } : null;
}

export function keyInput(view, board, painter, { actions, chooseTool, say, names }) {
  const cursor = { x: null, y: null, isDown: false };
  const { overlay, layout } = view;
  const point = () => [cursor.x + 0.5, cursor.y + 0.5];
  const show = () => {
    const [x, y] = point();
    view.pen = { x, y, size: isDrawnWith(board.tool) ? board.size : 0, isDown: cursor.isDown, byKeys: true };
    view.show(point());
    showCorners(view, board, painter, point());
    view.drawOverlay();
  };
  const put = () => {
    cursor.x = Math.min(layout.width - 1, cursor.x ?? Math.floor(layout.width / 2));
    cursor.y = Math.min(layout.height - 1, cursor.y ?? Math.floor(layout.height / 2));
  };
  const lift = () => { if (cursor.isDown) { cursor.isDown = false; painter.up(); } };
  overlay.addEventListener("focus", () => { if (overlay.matches(":focus-visible")) { put(); show(); } });
  overlay.addEventListener("blur", () => { lift(); view.pen = null; view.drawOverlay(); });
  overlay.addEventListener("pointerdown", () => { cursor.isDown = false; });
  overlay.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const step = event.shiftKey ? 8 : 1;
    const moves = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] };
    put();
    if (event.key in moves) {
      const [dx, dy] = moves[event.key];
      cursor.x = Math.min(layout.width - 1, Math.max(0, cursor.x + dx));
      cursor.y = Math.min(layout.height - 1, Math.max(0, cursor.y + dy));
      if (cursor.isDown) painter.move(point());
      say(`${cursor.x + 1}, ${cursor.y + 1}: ${names[layout.labels[cursor.y * layout.width + cursor.x]]}`);
    } else if (event.key === " ") press();
    else if (event.key === "Enter") {
      if (board.tool === "polygon") painter.close();
      else press();
    } else if (event.key === "Escape") {
      cursor.isDown = false;
      painter.cancel();
    } else return;
    show();
    event.preventDefault();
    event.stopPropagation();
  });

  function press() {
    if (board.tool === "polygon") painter.corner(point(), 0.5);
    else if (CLICKED.has(board.tool)) {
      painter.down(point());
      painter.up();
    } else if (cursor.isDown) lift();
    else {
      cursor.isDown = true;
      painter.down(point());
    }
    say(cursor.isDown ? "pen down" : "done");
  }

  const letters = Object.fromEntries(TOOLS.map(([name, , key]) => [key.toLowerCase(), name]));
  const keys = {
    "/": "search", "[": "smaller", "]": "larger", "+": "zoom-in", "=": "zoom-in", "-": "zoom-out", 0: "whole",
    "?": "help", o: "object",
  };
  const withControl = { z: "undo", y: "redo", s: "save", o: "open" };
  document.addEventListener("keydown", (event) => {
    if (event.altKey || document.querySelector("dialog[open]")) return;
    const key = event.key.toLowerCase();
    const isTyping = event.target.matches?.("input[type=search], input[type=number]");
    if (event.ctrlKey || event.metaKey) {
      if (isTyping || !(key in withControl)) return;
      actions[key === "z" && event.shiftKey ? "redo" : withControl[key]]();
    } else if (isTyping) return;
    else if (key === "escape" && painter.isBusy) {
      painter.cancel();
      showCorners(view, board, painter);
      view.drawOverlay();
    } else if (key in letters) {
      chooseTool(letters[key]);
      say(letters[key]);
    } else if (event.key in keys) actions[keys[event.key]]?.();
    else return;
    event.preventDefault();
  });
}
