// The page: files come in, are read one after the other, and are shown.

import { Refusal, about, correct, onToken, read, write } from "./api.js";
import { plain, scale, search, show, next } from "./view.js";
import { speak, switchLanguage, word } from "./words.js";

const $ = (id) => document.getElementById(id);
const waiting = []; // {file, pages: [{entry, page, picture, tab}], tab}
let formats = [], collects = false, current = null, reading = false;

// Files

function take(given) {
  for (const file of given) {
    const entry = { file, pages: [], tab: tab(file.name || "picture.png") };
    entry.tab.classList.add("waiting");
    entry.tab.lastChild.textContent = word("waiting");
    entry.tab.disabled = true;
    $("pages").append(entry.tab);
    waiting.push(entry);
  }
  if (given.length) document.body.classList.remove("empty");
  readAll();
}

async function readAll() {
  if (reading) return;
  reading = true;
  while (waiting.length) await readOne(waiting.shift());
  reading = false;
}

async function readOne(entry) {
  entry.tab.lastChild.textContent = word("busy");
  const fail = (reason) => {
    const failed = tab(entry.file.name || "picture.png");
    failed.classList.add("failed");
    failed.lastChild.textContent = reason.replace(`${entry.file.name}: `, "");
    failed.title = reason;
    failed.onclick = () => say(reason);
    entry.tab.before(failed);
    if (!current) say(reason);
  };
  try {
    await read(entry.file, (page) => {
      if (page.error) return fail(page.error);
      const { picture, ...rest } = page;
      const sheet = { entry, page: rest, picture, tab: tab(page.image, picture) };
      sheet.tab.lastChild.textContent = page.pages > 1 ? `${page.number}/${page.pages}` : word("lines", page.lines.length);
      sheet.tab.onclick = () => open(sheet);
      entry.tab.before(sheet.tab);
      entry.pages.push(sheet);
      if (!current) open(sheet);
    }, () => { entry.tab.lastChild.textContent = word("again"); });
  } catch (error) {
    fail(error instanceof Refusal ? error.message : word("offline"));
  }
  entry.tab.remove();
}

function tab(name, picture) {
  const button = document.createElement("button");
  button.className = "tab";
  if (picture) {
    const image = document.createElement("img");
    image.src = picture;
    image.alt = "";
    button.append(image);
  }
  for (const text of [name, ""]) button.append(Object.assign(document.createElement("span"), { textContent: text }));
  button.title = name;
  return button;
}

function open(sheet) {
  current?.tab.classList.remove("here");
  current = sheet;
  sheet.tab.classList.add("here");
  sheet.tab.scrollIntoView({ block: "nearest", inline: "nearest" });
  say("");
  show(sheet.page, sheet.picture, countChanges);
  document.body.classList.add("open");
  countChanges();
}

// Corrections

const changed = (sheet) => sheet.page.lines.filter((line) => "was" in line && !line.kept);

function countChanges() {
  const lines = current.entry.pages.flatMap((sheet) => sheet.page.lines.filter((line) => "was" in line));
  $("changes").classList.toggle("none", !lines.length);
  $("count").textContent = lines.length ? word("changed", lines.length) : word("hint");
  $("collect").hidden = !collects || !current.entry.pages.some((sheet) => changed(sheet).length);
}

async function collect() {
  $("collect").disabled = true;
  try {
    let kept = 0;
    for (const sheet of current.entry.pages) {
      const lines = changed(sheet);
      if (!lines.length) continue;
      kept = await correct(sheet.entry.file, sheet.page.number, lines.map(({ quad, text }) => ({ quad, text })));
      for (const line of lines) line.kept = true;
    }
    countChanges();
    $("count").textContent += ` · ${word("kept", kept)}`;
  } catch (error) {
    say(error instanceof Refusal ? error.message : word("offline"));
  } finally {
    $("collect").disabled = false;
  }
}

// What is taken away

const pagesOf = (entry) => entry.pages.map((sheet) => ({ ...sheet.page, lines: sheet.page.lines.map(({ was, kept, ...line }) => line) }));

async function download(format) {
  const entry = current.entry;
  const chosen = format.name === "picture" ? pagesOf({ pages: [current] }) : pagesOf(entry);
  try {
    const { data, kept } = await write(format, chosen, entry.file);
    say(kept ? word("before", kept) : "");
    const link = document.createElement("a");
    link.href = URL.createObjectURL(data);
    link.download = (entry.file.name || "picture").replace(/\.\w+$/, "") + format.suffix;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  } catch (error) {
    say(error instanceof Refusal ? error.message : word("offline"));
  }
}

async function copy() {
  const text = plain(current.entry.pages.map((sheet) => sheet.page));
  try {
    await navigator.clipboard.writeText(text);
  } catch { // no clipboard over plain http from elsewhere
    const area = Object.assign(document.createElement("textarea"), { value: text });
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
  $("copy").textContent = word("copied");
  setTimeout(() => { $("copy").textContent = word("copy"); }, 1500);
}

// The rest

function say(text) {
  $("message").textContent = text;
  $("message").hidden = !text;
}

function listFormats() {
  const head = Object.assign(document.createElement("option"), { textContent: word("download"), value: "" });
  $("download").replaceChildren(head, ...formats.map(({ name, suffix }) =>
    Object.assign(document.createElement("option"), { textContent: `${name} (${suffix})`, value: name })));
}

onToken(() => new Promise((done) => {
  $("ask").onclose = () => done($("token").value);
  if (!$("ask").open) $("ask").showModal();
}));

$("pick").onclick = $("target").onclick = () => $("files").click();
$("target").onkeydown = (event) => { if (event.key === "Enter" || event.key === " ") { event.preventDefault(); $("files").click(); } };
$("files").onchange = () => { take($("files").files); $("files").value = ""; };
addEventListener("paste", (event) => { if (event.clipboardData.files.length) take(event.clipboardData.files); });
addEventListener("dragover", (event) => { event.preventDefault(); document.body.classList.add("over"); });
addEventListener("dragleave", (event) => { if (!event.relatedTarget) document.body.classList.remove("over"); });
addEventListener("drop", (event) => {
  event.preventDefault();
  document.body.classList.remove("over");
  take(event.dataTransfer.files);
});
$("search").oninput = search;
$("search").onkeydown = (event) => { if (event.key === "Enter") next(); };
$("smaller").onclick = () => scale(0.8);
$("larger").onclick = () => scale(1.25);
$("fit").onclick = () => scale(0);
$("copy").onclick = copy;
$("collect").onclick = collect;
$("download").onchange = () => {
  const format = formats.find(({ name }) => name === $("download").value);
  $("download").value = "";
  if (format && current) download(format);
};
$("language").onclick = () => {
  switchLanguage();
  listFormats();
  if (current) { show(current.page, current.picture, countChanges); countChanges(); }
};

speak();
try {
  ({ formats, collects } = await about());
  listFormats();
} catch (error) {
  say(error instanceof Refusal ? error.message : word("offline"));
}
