// One page, no build step. Everything comes over one WebSocket: JSON for facts, binary for JPEGs.
"use strict";

const KINDS = { join: "进场", comment: "评论", gift: "礼物", follow: "关注", like: "点赞", share: "分享", notice: "公告", system: "系统" };
const TIERS = { new: "新客", active: "活跃", potential: "潜力", core: "核心", vip: "VIP" }; // of the shipped rules
const SHOWN = 300; // events kept on the page

const $ = (id) => document.getElementById(id);
const room = new URLSearchParams(location.search).get("room") ?? "";
const rows = new Map(); // event id -> list item
const hidden = new Set();
let minutes = new Map(); // minute -> {kind: count}
const ranks = new Map(); // viewer -> tier when last drawn
let lastFrame = null;

function element(tag, text, cls) {
  const made = document.createElement(tag);
  if (text !== undefined) made.textContent = text; // never innerHTML: names come from strangers
  if (cls) made.className = cls;
  return made;
}

function clock(seconds) {
  const whole = Math.floor(seconds), pad = (n) => String(n).padStart(2, "0");
  const hours = Math.floor(whole / 3600);
  return (hours ? hours + ":" : "") + pad(Math.floor(whole / 60) % 60) + ":" + pad(whole % 60);
}

function said(event) {
  if (event.gift) return `${event.gift.name} ×${event.gift.count}`;
  return event.text;
}

function showEvent(event) {
  const list = $("events");
  const atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 60;
  const item = element("li");
  item.dataset.kind = event.kind;
  item.classList.toggle("doubtful", event.score < 0.7);
  item.hidden = hidden.has(event.kind);
  const kind = element("span", KINDS[event.kind], "kind");
  kind.style.color = `var(--${event.kind})`;
  const what = element("span");
  if (event.level != null) what.append(element("span", `Lv${event.level}`, "level"));
  if (event.user) what.append(element("b", event.user));
  what.append(said(event));
  item.append(element("time", clock(event.time)), kind, what);
  item.dataset.time = event.time;
  rows.get(event.id)?.remove();
  let before = list.lastElementChild; // revisions come late: their place is that of their time
  while (before && Number(before.dataset.time) > event.time) before = before.previousElementSibling;
  if (before) before.after(item); else list.prepend(item);
  rows.set(event.id, item);
  while (rows.size > SHOWN) {
    const [id, first] = rows.entries().next().value;
    first.remove();
    rows.delete(id);
  }
  if (atEnd) list.scrollTop = list.scrollHeight;
}

function drawMinutes() {
  const canvas = $("minutes"), ratio = devicePixelRatio || 1;
  const width = canvas.clientWidth, height = 150;
  canvas.width = width * ratio; canvas.height = height * ratio;
  const pen = canvas.getContext("2d");
  pen.scale(ratio, ratio);
  const style = getComputedStyle(document.documentElement);
  const last = Math.max(0, ...minutes.keys()), first = Math.min(last, ...minutes.keys());
  const totals = [];
  for (let m = first; m <= last; m++) totals.push(Object.values(minutes.get(m) ?? {}).reduce((a, b) => a + b, 0));
  const top = Math.max(5, ...totals), step = width / Math.max(8, totals.length);
  pen.font = "11px system-ui"; pen.fillStyle = style.getPropertyValue("--faint");
  pen.fillText(String(top), 0, 10);
  totals.forEach((_, i) => {
    let y = height - 16;
    for (const [kind, n] of Object.entries(minutes.get(first + i) ?? {})) {
      const tall = n / top * (height - 30);
      pen.fillStyle = style.getPropertyValue(`--${kind}`);
      pen.fillRect(i * step + 1, y - tall, Math.max(1, step - 3), tall);
      y -= tall;
    }
    if (i % 5 === 0) {
      pen.fillStyle = style.getPropertyValue("--faint");
      pen.fillText(clock((first + i) * 60), i * step, height - 2);
    }
  });
}

function drawBoard({ tiers, viewers }) {
  $("tiers").replaceChildren(...Object.entries(tiers).map(([tier, count]) => {
    const box = element("div");
    box.append(element("strong", count), element("span", TIERS[tier] ?? tier));
    return box;
  }));
  $("board").replaceChildren(...viewers.map((v) => {
    const row = element("tr");
    const changed = ranks.has(v.user) && ranks.get(v.user) !== v.tier;
    ranks.set(v.user, v.tier);
    row.append(element("td", v.user), element("td", TIERS[v.tier] ?? v.tier, changed ? "changed" : ""), element("td", v.value.toFixed(1)), element("td", v.comments), element("td", v.gifts));
    return row;
  }));
}

function drawGifts(gifts) {
  $("gifts").replaceChildren(...gifts.map((g) => {
    const row = element("tr");
    row.append(element("td", g.name), element("td", g.count), element("td", g.worth.toFixed(1)));
    return row;
  }));
}

function showStats(stats) {
  $("g-time").textContent = clock(stats.time);
  $("g-speed").textContent = stats.speed.toFixed(1) + "×";
  $("g-latency").textContent = stats.latency.toFixed(2) + " s";
  $("g-dropped").textContent = stats.dropped;
  $("g-reconnects").textContent = stats.reconnects;
  $("g-events").textContent = stats.events;
}

function showState(state) {
  $("state").textContent = state === "ended" ? "已结束" : state;
  $("state").hidden = !state;
}

function take(message) {
  switch (message.type) {
    case "hello":
      $("rooms").replaceChildren(...(message.rooms.length > 1 ? message.rooms : []).map((name) => {
        const link = element("a", name, name === message.room ? "here" : "");
        link.href = "?room=" + encodeURIComponent(name);
        return link;
      }));
      break;
    case "event": showEvent(message.event); break;
    case "board": drawBoard(message); break;
    case "gifts": drawGifts(message.gifts); break;
    case "minutes":
      minutes = new Map(Object.entries(message.minutes).map(([minute, kinds]) => [Number(minute), kinds]));
      drawMinutes();
      break;
    case "state": showState(message.state); break;
    case "stats": showStats(message); break;
  }
}

function connect() {
  const scheme = location.protocol === "https:" ? "wss:" : "ws:";
  const base = location.pathname.replace(/[^/]*$/, "");
  const socket = new WebSocket(`${scheme}//${location.host}${base}socket?room=${encodeURIComponent(room)}`);
  socket.binaryType = "blob";
  socket.onopen = () => { $("link").textContent = "已连接"; $("link").className = "on"; };
  socket.onmessage = ({ data }) => {
    if (typeof data === "string") return take(JSON.parse(data));
    if (lastFrame) URL.revokeObjectURL(lastFrame);
    lastFrame = URL.createObjectURL(data);
    $("frame").src = lastFrame;
    $("no-frame").hidden = true;
  };
  socket.onclose = () => {
    $("link").textContent = "已断开，重连中…"; $("link").className = "off";
    setTimeout(connect, 1500);
  };
}

for (const [kind, label] of Object.entries(KINDS)) {
  const button = element("button", label);
  button.style.color = `var(--${kind})`;
  button.onclick = () => {
    button.classList.toggle("off");
    hidden.has(kind) ? hidden.delete(kind) : hidden.add(kind);
    for (const item of rows.values()) item.hidden = hidden.has(item.dataset.kind);
  };
  $("filter").append(button);
}
addEventListener("resize", drawMinutes);
connect();
