// The layout on the screen: colours, outlines of objects, zoom, the pen's place and what is being drawn.

const MOST_ZOOM = 8;

export class View {
  constructor(layout, colors) {
    this.layout = layout;
    const bytes = colors.flatMap((c) => [...[1, 3, 5].map((i) => parseInt(c.slice(i, i + 2), 16)), 255]);
    this.palette = new Uint32Array(new Uint8Array(bytes).buffer);
    this.zoom = 1;
    this.waiting = null;
    this.preview = null; // {points, isClosed}, in pixels of the layout
    this.pen = null; // {x, y, size, isDown, byKeys}
    const byId = (id) => document.getElementById(id);
    [this.frame, this.sheet, this.canvas, this.overlay] = ["view", "sheet", "canvas", "overlay"].map(byId);
    [this.photoFrame, this.photoSheet] = ["photo-view", "photo-sheet"].map(byId);
    new ResizeObserver(() => this.drawOverlay()).observe(this.sheet);
    // Both panes show the same part.
    const follow = (from, to) => from.addEventListener("scroll", () => {
      if (to.scrollLeft !== from.scrollLeft) to.scrollLeft = from.scrollLeft;
      if (to.scrollTop !== from.scrollTop) to.scrollTop = from.scrollTop;
    });
    follow(this.frame, this.photoFrame);
    follow(this.photoFrame, this.frame);
  }

  draw() {
    const { width, height } = this.layout;
    if (this.canvas.width !== width || this.canvas.height !== height) {
      Object.assign(this.canvas, { width, height });
      document.documentElement.style.setProperty("--aspect", width / height);
    }
    this.canvas.getContext("2d").putImageData(this.picture(this.layout), 0, 0);
    this.drawOverlay();
  }

  /** Draws once before the screen is shown next, however often it is asked to. */
  drawSoon() {
    this.waiting ??= requestAnimationFrame(() => {
      this.waiting = null;
      this.draw();
    });
  }

  /** A layout in the classes' colours. */
  picture({ width, height, labels }) {
    const image = new ImageData(width, height), pixels = new Uint32Array(image.data.buffer);
    for (let i = 0; i < pixels.length; i++) pixels[i] = this.palette[labels[i]];
    return image;
  }

  drawOverlay() {
    const box = this.sheet.getBoundingClientRect(), ratio = window.devicePixelRatio || 1;
    Object.assign(this.overlay, { width: Math.round(box.width * ratio), height: Math.round(box.height * ratio) });
    const context = this.overlay.getContext("2d");
    const scale = this.overlay.width / this.layout.width;
    context.lineJoin = context.lineCap = "round";
    this.#outlines(context, scale, ratio);
    if (this.preview) this.#shape(context, scale, ratio);
    if (this.pen) this.#penMark(context, scale, ratio);
  }

  #outlines(context, scale, ratio) {
    const { width, height, objects } = this.layout;
    context.beginPath();
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const at = y * width + x, own = objects[at];
        if (x + 1 < width && own !== objects[at + 1]) {
          context.moveTo((x + 1) * scale, y * scale);
          context.lineTo((x + 1) * scale, (y + 1) * scale);
        }
        if (y + 1 < height && own !== objects[at + width]) {
          context.moveTo(x * scale, (y + 1) * scale);
          context.lineTo((x + 1) * scale, (y + 1) * scale);
        }
      }
    }
    this.#twice(context, ratio, () => context.stroke(), "rgb(255 255 255 / 75%)", 1);
  }

  #shape(context, scale, ratio) {
    const { points, isClosed } = this.preview;
    context.beginPath();
    points.forEach(([x, y]) => context.lineTo(x * scale, y * scale));
    if (isClosed) context.closePath();
    this.#twice(context, ratio, () => context.stroke());
    if (points.length) {
      context.beginPath();
      context.arc(points[0][0] * scale, points[0][1] * scale, 5 * ratio, 0, 7);
      this.#twice(context, ratio, () => context.stroke());
    }
  }

  #penMark(context, scale, ratio) {
    const { x, y, size, isDown, byKeys } = this.pen;
    context.beginPath();
    context.arc(x * scale, y * scale, Math.max((size * scale) / 2, 3 * ratio), 0, 7);
    if (byKeys) {
      const arm = 8 * ratio + (size * scale) / 2;
      for (const [dx, dy] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) {
        context.moveTo(x * scale + (dx * size * scale) / 2, y * scale + (dy * size * scale) / 2);
        context.lineTo(x * scale + dx * arm, y * scale + dy * arm);
      }
    }
    this.#twice(context, ratio, () => context.stroke(), isDown ? "#ffd54a" : "#fff");
  }

  /** Light on dark, so that it is seen on every colour. */
  #twice(context, ratio, draw, light = "#fff", width = 1.5) {
    for (const [style, wide] of [["rgb(0 0 0 / 70%)", width + 1.5], [light, width]]) {
      Object.assign(context, { strokeStyle: style, lineWidth: wide * ratio });
      draw();
    }
  }

  /** A place on the screen in pixels of the layout. */
  pointAt(clientX, clientY) {
    const box = this.sheet.getBoundingClientRect();
    return [
      ((clientX - box.left) / box.width) * this.layout.width,
      ((clientY - box.top) / box.height) * this.layout.height,
    ];
  }

  /** Zooms so that the place under a point of the screen stays; without one, the middle. */
  zoomTo(zoom, clientX, clientY) {
    const frame = this.frame.getBoundingClientRect();
    clientX ??= frame.left + frame.width / 2;
    clientY ??= frame.top + frame.height / 2;
    const [x, y] = this.pointAt(clientX, clientY);
    this.zoom = Math.min(MOST_ZOOM, Math.max(1, zoom));
    for (const sheet of [this.sheet, this.photoSheet]) {
      sheet.style.width = `${100 * this.zoom}%`;
      sheet.parentElement.classList.toggle("zoomed", this.zoom > 1);
    }
    const sheet = this.sheet.getBoundingClientRect();
    this.frame.scrollLeft += sheet.left + (x / this.layout.width) * sheet.width - clientX;
    this.frame.scrollTop += sheet.top + (y / this.layout.height) * sheet.height - clientY;
    this.drawOverlay();
  }

  scrollBy(dx, dy) {
    this.frame.scrollLeft -= dx;
    this.frame.scrollTop -= dy;
  }

  /** Scrolls so that a place of the layout is seen. */
  show([x, y]) {
    const { clientWidth, clientHeight } = this.frame;
    const [px, py] = [(x / this.layout.width) * this.sheet.offsetWidth, (y / this.layout.height) * this.sheet.offsetHeight];
    const margin = 24;
    if (px < this.frame.scrollLeft + margin) this.frame.scrollLeft = px - margin;
    if (px > this.frame.scrollLeft + clientWidth - margin) this.frame.scrollLeft = px - clientWidth + margin;
    if (py < this.frame.scrollTop + margin) this.frame.scrollTop = py - margin;
    if (py > this.frame.scrollTop + clientHeight - margin) this.frame.scrollTop = py - clientHeight + margin;
  }
}
