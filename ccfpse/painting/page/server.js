// Requests to the server, each answered or refused with a sentence.

export class Refusal extends Error {
  constructor(status, sentence) {
    super(sentence);
    this.status = status;
  }
}

export async function ask(path, options) {
  let response;
  try {
    response = await fetch(path, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refusal(0, "The server does not answer. Is ccfpse paint still running?");
  }
  if (response.ok) return response;
  let sentence = `The server refused (${response.status}).`;
  try {
    sentence = (await response.json()).detail;
  } catch { /* no sentence came with it */ }
  throw new Refusal(response.status, sentence);
}

/** What the server answers, asked again for as long as it is busy; `busy` is told a sentence, and "" in the end. */
export async function askJson(path, options, busy = () => {}) {
  for (let tries = 0; ; tries++) {
    try {
      const response = await ask(path, options);
      if (tries) busy("");
      return await response.json();
    } catch (error) {
      if (error.status !== 503) throw error;
      busy(`The server is busy: ${error.message}. Trying again by itself.`);
      await new Promise((resolve) => setTimeout(resolve, 1000));
    }
  }
}

export function form(fields) {
  const data = new FormData();
  for (const [name, value] of Object.entries(fields)) {
    if (value instanceof Blob) data.append(name, value, value.name ?? `${name}.png`);
    else if (value !== null && value !== undefined) data.append(name, value);
  }
  return { method: "POST", body: data };
}

const pause = (milliseconds, signal) => new Promise((resolve, reject) => {
  const timer = setTimeout(resolve, milliseconds);
  signal.addEventListener("abort", () => { clearTimeout(timer); reject(new DOMException("", "AbortError")); });
});

/** Photos of the newest layout only: a newer request gives up the one before it. */
export class Photographer {
  #newest = null;
  #window = crypto.getRandomValues(new Uint32Array(3)).join("-");

  constructor(said) {
    this.said = said; // told {state: "working" | "busy" | "failed", sentence}
  }

  /** The photo and how long it took, or null where a newer request has come. */
  async photo(makeFields) {
    this.#newest?.abort();
    const control = (this.#newest = new AbortController());
    const began = performance.now();
    this.said({ state: "working" });
    try {
      const fields = { ...(await makeFields()), window: this.#window };
      for (;;) {
        if (control.signal.aborted) return null;
        try {
          const response = await ask("api/synthesize", { ...form(fields), signal: control.signal });
          const blob = await response.blob();
          return control.signal.aborted ? null : { blob, milliseconds: performance.now() - began };
        } catch (error) {
          if (error.status !== 503) throw error;
          this.said({ state: "busy", sentence: `The server is busy: ${error.message}. Trying again by itself.` });
          await pause(1000, control.signal);
        }
      }
    } catch (error) {
      if (control.signal.aborted || error.status === 409) return null;
      this.said({ state: "failed", sentence: error.message });
      return null;
    }
  }
}
