// One page: its picture with boxes, and its text, linked.

import { word } from "./words.js";

const $ = (id) => document.getElementById(id);
const SVG = "http://www.w3.org/2000/svg";
const DOUBTFUL = 0.5;

let shown = null; // {page, picture, onChange}
let items = []; // [{line, row, box}]
let hits = [], hit = -1, zoom = 1;

export function show(page, picture, onChange) {
  shown = { page, onChange };
  $("image").src = picture;
  $("image").alt = page.image;
  $("boxes").setAttribute("viewBox", `0 0 ${page.width} ${page.height}`);
  const turned = page.angle ? ` · ${word("turned", page.angle)}` : "";
  $("facts").textContent = `${page.width}×${page.height} · ${word("lines", page.lines.length)}${turned}`;
  items = page.lines.map((line) => ({ line, row: row(line), box: box(line) }));
  $("boxes").replaceChildren(...items.map((item) => item.box));
  $("text").replaceChildren(...paragraphs());
  if (!items.length) $("text").append(note("nothing"));
  items.forEach((item, i) => {
    for (const element of [item.row, item.box]) {
      element.addEventListener("pointerenter", () => light(i));
      element.addEventListener("pointerleave", () => light(-1));
    }
    item.box.addEventListener("click", () => choose(i));
    item.row.addEventListener("focus", () => light(i));
  });
  search();
}

function note(name) {
  const p = document.createElement("p");
  p.className = "quiet";
  p.textContent = word(name);
  return p;
}

function box(line) {
  const polygon = document.createElementNS(SVG, "polygon");
  polygon.setAttribute("points", line.quad.map((point) => point.join(",")).join(" "));
  if (line.score < DOUBTFUL) polygon.classList.add("doubtful");
  return polygon;
}

function row(line) {
  const span = document.createElement("span");
  span.className = "line";
  span.tabIndex = 0;
  span.title = `${(100 * line.score).toFixed(1)} %`;
  span.classList.toggle("doubtful", line.score < DOUBTFUL);
  span.classList.toggle("changed", "was" in line);
  span.textContent = line.text;
  span.addEventListener("dblclick", () => edit(line, span));
  span.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !span.isContentEditable) { event.preventDefault(); edit(line, span); }
  });
  return span;
}

function paragraphs() {
  const out = [];
  let last = null, beside = null; // the row that the next line may belong to
  for (const { line, row } of items) {
    const key = `${line.block}/${line.paragraph}`;
    if (key !== last) out.push(document.createElement("p"));
    if (key !== last || !sameRow(line, beside?.line)) {
      beside = { line, element: Object.assign(document.createElement("span"), { className: "row" }) };
      out.at(-1).append(beside.element, "\n");
    }
    last = key;
    beside.element.append(row);
  }
  return out;
}

const sameRow = (line, other) => other !== undefined && line.row !== null && line.row === other.row;

function light(i, scroll = false) {
  items.forEach((item, n) => {
    item.row.classList.toggle("lit", n === i);
    item.box.classList.toggle("lit", n === i);
  });
  if (i >= 0 && scroll) {
    items[i].row.scrollIntoView({ block: "nearest" });
    items[i].box.scrollIntoView({ block: "nearest", inline: "nearest" });
  }
}

function choose(i) {
  light(i, true);
  items[i].row.focus({ preventScroll: true });
}

function edit(line, span) {
  span.textContent = line.text; // without marks
  span.contentEditable = "plaintext-only";
  span.focus();
  getSelection().selectAllChildren(span);
  const keys = (event) => {
    event.stopPropagation();
    if (event.key === "Enter") { event.preventDefault(); span.blur(); }
    if (event.key === "Escape") { span.textContent = line.text; span.blur(); }
  };
  span.addEventListener("keydown", keys);
  span.addEventListener("blur", () => {
    span.removeEventListener("keydown", keys);
    span.contentEditable = "false";
    span.removeAttribute("contenteditable");
    const text = span.textContent.replace(/\s+/g, " ").trim();
    if (text && text !== line.text) {
      line.was ??= { text: line.text, chars: line.chars };
      line.text = text;
      line.chars = text === line.was.text ? line.was.chars : [];
      if (text === line.was.text) delete line.was;
      span.classList.toggle("changed", "was" in line);
      shown.onChange();
    }
    span.textContent = line.text;
    search();
  }, { once: true });
}

// Marks what is searched for, in the text and on the picture.
export function search() {
  const wanted = $("search").value.toLowerCase();
  hits = [];
  items.forEach((item, i) => {
    const text = item.line.text, parts = [];
    let at = 0;
    for (let next; wanted && (next = text.toLowerCase().indexOf(wanted, at)) >= 0; at = next + wanted.length) {
      const mark = document.createElement("mark");
      mark.textContent = text.slice(next, next + wanted.length);
      parts.push(text.slice(at, next), mark);
      hits.push({ i, mark });
    }
    item.row.replaceChildren(...parts, text.slice(at));
    item.box.classList.toggle("found", at > 0);
  });
  hit = -1;
  $("found").textContent = wanted ? word("hits", hits.length ? 1 : 0, hits.length) : "";
  if (hits.length) next();
}

export function next() {
  if (!hits.length) return;
  hits[hit]?.mark.classList.remove("here");
  hit = (hit + 1) % hits.length;
  hits[hit].mark.classList.add("here");
  $("found").textContent = word("hits", hit + 1, hits.length);
  light(hits[hit].i, true);
}

// The picture's width as a share of its place; 1 fits.
export function scale(factor) {
  zoom = factor ? Math.min(8, Math.max(0.25, zoom * factor)) : 1;
  $("sheet").style.width = `${100 * zoom}%`;
}

// A selection is copied as it stands in reading order, without what the page adds.
export function plain(pages) {
  return pages.map((page) => page.lines.map((line, i) => {
    const last = page.lines[i - 1];
    if (sameRow(line, last)) return `\t${line.text}`;
    return `${i ? "\n" : ""}${i && line.paragraph !== last.paragraph ? "\n" : ""}${line.text}`;
  }).join("") + "\n").join("\n");
}
