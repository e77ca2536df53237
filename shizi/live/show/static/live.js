// One page, no build step. Everything comes over one WebSocket: JSON for facts, binary for JPEGs;
// what a store remembers is asked for under api/.
"use strict";

const KINDS = { join: "进场", comment: "评论", gift: "礼物", follow: "关注", like: "点赞", share: "分享", notice: "公告", system: "系统" };
const TIERS = { new: "新客", active: "活跃", potential: "潜力", core: "核心", vip: "VIP" }; // of the shipped rules
const TOPICS = { price: "价格", size: "尺码", link: "链接", shipping: "发货", stock: "有货", coupon: "优惠", order: "下单", complaint: "售后" };
const SHOWN = 300; // events kept on the page
const EVENING = 720; // minutes that are drawn at most

const $ = (id) => document.getElementById(id);
const room = new URLSearchParams(location.search).get("room") ?? "";
const base = location.pathname.replace(/[^/]*$/, "");
const rows = new Map(); // event id -> list item
const asked = new Map(); // event id -> event that asks
const answered = new Set();
const hidden = new Set();
const ranks = new Map(); // viewer -> tier when last drawn
let minutes = new Map(); // minute -> {kind: count}
let board = { tiers: {}, viewers: [] };
let tierNames = []; // from lowest to highest
let tierOnly = "";
let kept = false; // in a store, which can be asked
let offset = null; // of clock time to stream time, seconds
let lastFrame = null;
let atEnd = true; // of the events: new ones are followed

function element(tag, text, cls) {
  const made = document.createElement(tag);
  if (text !== undefined) made.textContent = text; // never innerHTML: names come from strangers
  if (cls) made.className = cls;
  return made;
}

const pad = (n) => String(n).padStart(2, "0");

function clock(seconds) {
  const whole = Math.floor(seconds), hours = Math.floor(whole / 3600);
  return (hours ? hours + ":" : "") + pad(Math.floor(whole / 60) % 60) + ":" + pad(whole % 60);
}

function hour(seconds, exact = true) {
  const at = new Date(seconds * 1000);
  return pad(at.getHours()) + ":" + pad(at.getMinutes()) + (exact ? ":" + pad(at.getSeconds()) : "");
}

const moment = (event) => event.clock ? hour(event.clock) : clock(event.time);

function tierChip(tier) {
  const chip = element("span", TIERS[tier] ?? tier, "tier");
  chip.style.setProperty("--tier", tierColour(tier));
  return chip;
}

function tierColour(tier) {
  const at = Math.max(0, tierNames.indexOf(tier)), last = Math.max(1, tierNames.length - 1);
  return `var(--tier-${Math.round(at / last * 4)})`;
}

function topicChip(topic) {
  return element("span", TOPICS[topic] ?? topic, "about " + (topic === "complaint" ? "complaint" : ""));
}

function said(event) {
  if (event.gift) return `${event.gift.name} ×${event.gift.count}`;
  return event.text;
}

function eventItem(event) {
  const item = element("li");
  const kind = element("span", KINDS[event.kind], "kind");
  kind.style.color = `var(--${event.kind})`;
  const what = element("span");
  if (event.level != null) what.append(element("span", `Lv${event.level}`, "level"));
  if (event.user) what.append(element("b", event.user));
  what.append(said(event));
  item.append(element("time", moment(event)), kind, what);
  return item;
}

function showEvent(event) {
  const list = $("events");
  const item = eventItem(event);
  item.dataset.kind = event.kind;
  item.classList.toggle("doubtful", event.score < 0.7);
  item.hidden = hidden.has(event.kind);
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
  if (atEnd) requestAnimationFrame(() => { list.scrollTop = list.scrollHeight; });
  if (event.asks?.length) asked.set(event.id, event); else asked.delete(event.id);
  drawQuestions();
}

function drawQuestions() {
  const rank = (event) => tierNames.indexOf(event.tier);
  const open = [...asked.values()].filter((event) => !answered.has(event.id))
    .sort((a, b) => rank(b) - rank(a) || b.time - a.time);
  $("m-open").textContent = open.length;
  $("questions").replaceChildren(...open.map((event) => {
    const item = element("li"), what = element("div"), tick = element("button", "✓");
    tick.setAttribute("aria-label", "已回答");
    tick.onclick = () => answer(event.id);
    const words = element("p", event.text), who = element("small");
    if (event.tier) who.append(tierChip(event.tier), " ");
    who.append(...event.asks.map(topicChip), `${event.user} · ${moment(event)}`);
    what.append(words, who);
    item.append(tick, what);
    return item;
  }));
}

async function answer(id) {
  answered.add(id);
  drawQuestions();
  if (kept) await fetch(`${base}api/questions/${encodeURIComponent(id)}?room=${encodeURIComponent(room)}`, { method: "POST", body: JSON.stringify({ answered: true }) });
}

async function ask(path, values = {}) {
  if (!kept) return null;
  const query = new URLSearchParams(room ? { room, ...values } : values);
  const reply = await fetch(`${base}api/${path}?${query}`);
  return reply.ok ? reply.json() : null;
}

async function learnAnswers() {
  for (const one of await ask("questions", { open: "0" }) ?? []) answered.add(one.id);
  drawQuestions();
}

function drawMinutes() {
  const canvas = $("minutes"), ratio = devicePixelRatio || 1;
  const width = canvas.clientWidth, height = 130;
  canvas.width = width * ratio; canvas.height = height * ratio;
  const pen = canvas.getContext("2d");
  pen.scale(ratio, ratio);
  const style = getComputedStyle(document.documentElement);
  const last = Math.max(0, ...minutes.keys());
  const first = Math.min(last, ...[...minutes.keys()].filter((m) => m > last - EVENING));
  const totals = [];
  for (let m = first; m <= last; m++) totals.push(Object.values(minutes.get(m) ?? {}).reduce((a, b) => a + b, 0));
  const top = Math.max(5, ...totals), step = width / Math.max(20, totals.length);
  pen.font = "11px system-ui"; pen.fillStyle = style.getPropertyValue("--faint");
  pen.fillText(String(top), 0, 10);
  const apart = [5, 10, 15, 30, 60, 120, 240].find((n) => n * step >= 44) ?? 240;
  totals.forEach((_, i) => {
    let y = height - 16;
    for (const [kind, n] of Object.entries(minutes.get(first + i) ?? {})) {
      const tall = n / top * (height - 30);
      pen.fillStyle = style.getPropertyValue(`--${kind}`);
      pen.fillRect(i * step, y - tall, Math.max(.5, step - (step > 4 ? 2 : 0)), tall);
      y -= tall;
    }
    if (i % apart === 0) {
      const seconds = (first + i) * 60;
      pen.fillStyle = style.getPropertyValue("--faint");
      pen.fillText(offset === null ? clock(seconds) : hour(seconds + offset, false), i * step, height - 2);
    }
  });
}

function drawBoard() {
  const { tiers, viewers } = board;
  $("tiers").replaceChildren(...Object.entries(tiers).reverse().map(([tier, count]) => {
    const box = element("button", undefined, tier === tierOnly ? "on" : "");
    box.style.setProperty("--tier", tierColour(tier));
    box.append(element("strong", count), element("span", TIERS[tier] ?? tier));
    box.onclick = () => { tierOnly = tierOnly === tier ? "" : tier; find(); };
    return box;
  }));
  const wanted = $("search").value.trim().toLowerCase();
  const shown = viewers.filter((v) => (!tierOnly || v.tier === tierOnly) && v.user.toLowerCase().includes(wanted));
  $("board").replaceChildren(...shown.map(boardRow));
}

function boardRow(v) {
  const row = element("tr");
  const changed = ranks.has(v.viewer) && ranks.get(v.viewer) !== v.tier;
  ranks.set(v.viewer, v.tier);
  const tier = element("td", undefined, changed ? "changed" : "");
  tier.append(tierChip(v.tier));
  const topics = element("td");
  topics.append(...Object.keys(v.asked ?? {}).slice(-2).map(topicChip));
  const name = element("td", v.user);
  name.tabIndex = 0;
  row.append(name, tier, topics, element("td", v.coins ? v.coins.toFixed(0) : ""), element("td", v.value.toFixed(0)));
  row.onclick = () => showPerson(v);
  row.onkeydown = (key) => { if (key.key === "Enter") showPerson(v); };
  return row;
}

// The board holds the best alone: whoever is looked for may be in the store.
async function find() {
  drawBoard();
  const search = $("search").value.trim();
  if (!search) return;
  const here = new Set(board.viewers.map((v) => v.viewer));
  const found = await ask("viewers", { search, most: "20", ...(tierOnly && { tier: tierOnly }) }) ?? [];
  if (search !== $("search").value.trim()) return;
  $("board").append(...found.filter((p) => !here.has(p.viewer)).map((p) => boardRow({ ...p, value: p.score })));
}

async function showPerson(v) {
  $("p-name").replaceChildren(v.user + " ", tierChip(v.tier));
  $("p-sum").textContent = "…";
  $("p-days").replaceChildren();
  $("p-events").replaceChildren();
  $("person").showModal();
  const past = await ask("viewers/" + encodeURIComponent(v.viewer), { most: "100" });
  if (!past) { $("p-sum").textContent = "没有保存记录（用 --store 保存）"; return; }
  $("p-sum").textContent = `来过 ${past.days} 天 · 评论 ${past.comments} · 提问 ${past.questions} · 下单 ${past.orders} · 礼物价值 ${past.coins.toFixed(0)}`;
  $("p-days").replaceChildren(...past.visits.map((d) => {
    const row = element("tr");
    row.append(...[d.day, d.room, d.comments, d.questions, d.orders, d.coins.toFixed(0)].map((value) => element("td", value)));
    return row;
  }));
  $("p-events").replaceChildren(...past.events.map((event) => eventItem({ ...event, clock: event.clock && Date.parse(event.clock) / 1000 })));
}

function drawGifts(gifts) {
  $("gifts").replaceChildren(...gifts.map((g) => {
    const row = element("tr");
    row.append(element("td", g.name), element("td", g.count), element("td", g.worth.toFixed(1)));
    return row;
  }));
}

function showStats(stats) {
  if (stats.clock) {
    const first = offset === null;
    offset = stats.clock - stats.time;
    if (first) drawMinutes();
    $("m-clock").textContent = hour(stats.clock);
  }
  $("g-time").textContent = clock(stats.time);
  $("g-speed").textContent = stats.speed.toFixed(1) + "×";
  $("g-latency").textContent = stats.latency.toFixed(2) + " s";
  $("g-dropped").textContent = stats.dropped;
  $("g-reconnects").textContent = stats.reconnects;
  $("m-coins").textContent = stats.coins.toFixed(0);
  $("m-orders").textContent = stats.orders;
  $("g-events").textContent = stats.events;
}

function showAlert(alert) {
  const box = element("button");
  box.append(tierChip(alert.tier), " ", element("b", alert.user), alert.kind === "enters" ? " 来了" : ` 问：${alert.text}`);
  box.onclick = () => { box.remove(); showPerson(alert); };
  $("alerts").prepend(box);
  while ($("alerts").children.length > 3) $("alerts").lastElementChild.remove();
  setTimeout(() => box.remove(), 20000);
}

function showState(state) {
  $("state").textContent = state === "ended" ? "已结束" : state;
  $("state").hidden = !state;
}

function take(message) {
  switch (message.type) {
    case "hello":
      kept = message.kept;
      learnAnswers();
      $("rooms").replaceChildren(...(message.rooms.length > 1 ? message.rooms : []).map((name) => {
        const link = element("a", name, name === message.room ? "here" : "");
        link.href = "?room=" + encodeURIComponent(name);
        return link;
      }));
      break;
    case "event": showEvent(message.event); break;
    case "alert": showAlert(message.alert); break;
    case "board":
      board = message;
      tierNames = Object.keys(message.tiers);
      if (!$("search").value) drawBoard();
      break;
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
let lastTop = 0;
$("events").onscroll = ({ target }) => { // only who scrolls up leaves the end
  if (target.scrollHeight - target.scrollTop - target.clientHeight < 80) atEnd = true;
  else if (target.scrollTop < lastTop) atEnd = false;
  lastTop = target.scrollTop;
};
$("search").oninput = find;
addEventListener("resize", drawMinutes);
connect();
