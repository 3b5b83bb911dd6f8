// Which pixels a shape covers. Points are [x, y] in pixels, not rounded: the middle of the first is [0.5, 0.5].

export function clipped(width, height, visit) {
  return (x, y) => {
    if (x >= 0 && y >= 0 && x < width && y < height) visit(y * width + x);
  };
}

/** Pixels under a round pen of diameter `size` that moves from one point to another. */
export function stroke([x0, y0], [x1, y1], size, visit) {
  thinLine([x0, y0], [x1, y1], visit); // so that the thinnest pen leaves no gaps
  const r = size / 2, dx = x1 - x0, dy = y1 - y0, length2 = dx * dx + dy * dy;
  for (let y = Math.floor(Math.min(y0, y1) - r); y <= Math.max(y0, y1) + r; y++) {
    for (let x = Math.floor(Math.min(x0, x1) - r); x <= Math.max(x0, x1) + r; x++) {
      const px = x + 0.5 - x0, py = y + 0.5 - y0;
      const t = length2 ? Math.min(1, Math.max(0, (px * dx + py * dy) / length2)) : 0;
      if ((px - t * dx) ** 2 + (py - t * dy) ** 2 <= r * r) visit(x, y);
    }
  }
}

function thinLine([x0, y0], [x1, y1], visit) {
  const steps = Math.max(1, Math.ceil(2 * Math.max(Math.abs(x1 - x0), Math.abs(y1 - y0))));
  for (let i = 0; i <= steps; i++) {
    visit(Math.floor(x0 + ((x1 - x0) * i) / steps), Math.floor(y0 + ((y1 - y0) * i) / steps));
  }
}

/** Pixels of the rectangle with two points in opposite corners, theirs included. */
export function rectangle([x0, y0], [x1, y1], visit) {
  const [left, right] = [Math.floor(Math.min(x0, x1)), Math.floor(Math.max(x0, x1))];
  const [top, bottom] = [Math.floor(Math.min(y0, y1)), Math.floor(Math.max(y0, y1))];
  for (let y = top; y <= bottom; y++) for (let x = left; x <= right; x++) visit(x, y);
}

/** Pixels inside a polygon (even-odd) and on its outline. */
export function polygon(points, visit) {
  const ys = points.map((p) => p[1]);
  for (let y = Math.floor(Math.min(...ys)); y <= Math.max(...ys); y++) {
    const crossings = [];
    points.forEach(([x0, y0], i) => {
      const [x1, y1] = points[(i + 1) % points.length], middle = y + 0.5;
      if (y0 <= middle !== y1 <= middle) crossings.push(x0 + ((middle - y0) / (y1 - y0)) * (x1 - x0));
    });
    crossings.sort((a, b) => a - b);
    for (let i = 0; i + 1 < crossings.length; i += 2) {
      for (let x = Math.ceil(crossings[i] - 0.5); x + 0.5 <= crossings[i + 1]; x++) visit(x, y);
    }
  }
  points.forEach((p, i) => thinLine(p, points[(i + 1) % points.length], visit));
}

/** Positions of the region of equal values around a pixel: up, down, left and right count. */
export function region(width, height, start, isSame, visit) {
  const seen = new Uint8Array(width * height), waiting = [start];
  seen[start] = 1;
  while (waiting.length) {
    const at = waiting.pop(), x = at % width;
    visit(at);
    const next = [at - width, at + width, x > 0 ? at - 1 : -1, x < width - 1 ? at + 1 : -1];
    for (const n of next) {
      if (n >= 0 && n < seen.length && !seen[n] && isSame(n)) {
        seen[n] = 1;
        waiting.push(n);
      }
    }
  }
}
