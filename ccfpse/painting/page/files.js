// Bytes in and out: PNGs of numbers, layout files, downloads.

async function through(bytes, stream) {
  return new Uint8Array(await new Response(new Blob([bytes]).stream().pipeThrough(stream)).arrayBuffer());
}

const deflated = (bytes) => through(bytes, new CompressionStream("deflate"));
const inflated = (bytes) => through(bytes, new DecompressionStream("deflate"));

function toBase64(bytes) {
  let text = "";
  for (let i = 0; i < bytes.length; i += 8192) text += String.fromCharCode(...bytes.subarray(i, i + 8192));
  return btoa(text);
}

const fromBase64 = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));

const CRCS = Uint32Array.from({ length: 256 }, (_, n) => {
  for (let k = 0; k < 8; k++) n = n & 1 ? 0xedb88320 ^ (n >>> 1) : n >>> 1;
  return n;
});

function chunk(kind, content) {
  const bytes = new Uint8Array(12 + content.length), view = new DataView(bytes.buffer);
  view.setUint32(0, content.length);
  bytes.set([...kind].map((c) => c.charCodeAt(0)), 4);
  bytes.set(content, 8);
  let crc = 0xffffffff;
  for (const byte of bytes.subarray(4, 8 + content.length)) crc = CRCS[(crc ^ byte) & 255] ^ (crc >>> 8);
  view.setUint32(8 + content.length, (crc ^ 0xffffffff) >>> 0);
  return bytes;
}

/** A grey PNG of numbers, 8 bits each or, for a Uint16Array, 16. A canvas could change or round them. */
export async function greyPng(values, width, height) {
  const wide = values instanceof Uint16Array, row = 1 + width * (wide ? 2 : 1);
  const raw = new Uint8Array(height * row); // every row begins with its filter: none
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const value = values[y * width + x];
      if (wide) raw.set([value >> 8, value & 255], y * row + 1 + 2 * x);
      else raw[y * row + 1 + x] = value;
    }
  }
  const header = new Uint8Array(13), view = new DataView(header.buffer);
  view.setUint32(0, width);
  view.setUint32(4, height);
  header.set([wide ? 16 : 8, 0, 0, 0, 0], 8);
  const signature = new Uint8Array([137, 80, 78, 71, 13, 10, 26, 10]);
  const parts = [signature, chunk("IHDR", header), chunk("IDAT", await deflated(raw)), chunk("IEND", new Uint8Array())];
  return new Blob(parts, { type: "image/png" });
}

/** The layout's numbers from a layout file's content, as the server has checked it. */
export async function numbersOf(held) {
  const labels = await inflated(fromBase64(held.labels));
  const objects = new Uint16Array(labels.length);
  if (held.objects !== null) {
    const view = new DataView((await inflated(fromBase64(held.objects))).buffer);
    for (let i = 0; i < objects.length; i++) objects[i] = view.getUint16(2 * i, true);
  }
  return { width: held.width, height: held.height, labels, objects };
}

/** What a layout file holds; the server reads the same (ccfpse/painting/layout.py). */
export async function layoutFile(layout, names, style) {
  const wide = new DataView(new ArrayBuffer(2 * layout.objects.length));
  layout.objects.forEach((number, i) => wide.setUint16(2 * i, number, true));
  return {
    ccfpse: "layout",
    format: 1,
    height: layout.height,
    width: layout.width,
    classes: names,
    labels: toBase64(await deflated(layout.labels)),
    objects: layout.hasObjects() ? toBase64(await deflated(new Uint8Array(wide.buffer))) : null,
    style,
  };
}

export function download(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}
