// What the page asks of the service.

const TRIES = 30;

export class Refusal extends Error {
  constructor(status, reason) { super(reason); this.status = status; }
}

let askToken = async () => "";
export const onToken = (ask) => { askToken = ask; };

const pause = (seconds) => new Promise((done) => setTimeout(done, seconds * 1000));

async function ask(path, options = {}, busy = () => {}) {
  for (let tries = 0; ; tries++) {
    const token = sessionStorage.getItem("token");
    const headers = { ...options.headers, ...(token ? { Authorization: `Bearer ${token}` } : {}) };
    const answer = await fetch(path, { ...options, headers });
    if (answer.status === 401) {
      sessionStorage.setItem("token", await askToken());
    } else if (answer.status === 429 && tries < TRIES) {
      busy();
      await pause(Number(answer.headers.get("Retry-After")) || 1);
    } else if (answer.ok) {
      return answer;
    } else {
      const told = await answer.text();
      let reason = told.trim();
      try { reason = JSON.parse(told).error; } catch { /* plain text says it */ }
      throw new Refusal(answer.status, reason);
    }
  }
}

function form(file, fields) {
  const data = new FormData();
  data.append("file", file, file.name || "picture.png");
  for (const [name, value] of Object.entries(fields)) data.append(name, value);
  return { method: "POST", body: data };
}

export const about = async () => (await ask("v1/about")).json();

// Calls `page` with each page, or with {image, error}, as soon as it is read.
export async function read(file, page, busy) {
  const answer = await ask("v1/read", form(file, { format: "jsonl", pictures: 1 }), busy);
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) break;
    const lines = (rest + value).split("\n");
    rest = lines.pop();
    for (const line of lines) page(JSON.parse(line));
  }
}

const json = (pages) => ({ method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(pages) });

// Writes pages as they stand, with their file where the format needs it. Returns what was written,
// and how many pages of a PDF keep the text of before.
export async function write(format, pages, file) {
  const sent = format.file ? form(file, { format: format.name, result: JSON.stringify(pages) }) : json(pages);
  const answer = await ask(`v1/format${format.file ? "" : `?format=${format.name}`}`, sent);
  return { data: await answer.blob(), kept: Number(answer.headers.get("Shizi-Kept")) };
}

export async function correct(file, page, lines) {
  const answer = await ask("v1/corrections", form(file, { page, lines: JSON.stringify(lines) }));
  return (await answer.json()).kept;
}
