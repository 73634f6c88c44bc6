"use strict";
// Draws what /events sends: the whole state, once a second. Text goes in as text, never as markup.

const byId = (id) => document.getElementById(id);
const clock = (milliseconds) => new Date(milliseconds).toLocaleTimeString("en-GB");
const number = (value, digits) => (value === null || value === undefined ? "–" : value.toFixed(digits));

function make(name, text, className) {
  const node = document.createElement(name);
  if (text !== undefined) node.textContent = text;
  if (className) node.className = className;
  return node;
}

function duration(seconds) {
  if (seconds < 100) return seconds.toFixed(seconds < 10 ? 1 : 0) + " s";
  const minutes = Math.floor(seconds / 60);
  if (minutes < 100) return minutes + " min";
  return Math.floor(minutes / 60) + " h " + (minutes % 60) + " min";
}

// Charts: 460 by 190, the data between the margins.

const plot = { width: 460, height: 190, left: 44, right: 12, top: 12, bottom: 38 };

function shape(name, attributes, text) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  if (text !== undefined) node.textContent = text;
  return node;
}

// A step of 1, 2 or 5 times a power of ten that divides the extent into at most five.
function stepOf(extent) {
  const power = 10 ** Math.floor(Math.log10(extent / 5));
  return [1, 2, 5, 10].map((factor) => factor * power).find((step) => extent / step <= 5);
}

function axes(svg, xEnd, yEnd, xTitle, hasXTicks) {
  svg.setAttribute("viewBox", `0 0 ${plot.width} ${plot.height}`);
  const x = (value) => plot.left + ((plot.width - plot.left - plot.right) * value) / xEnd;
  const y = (value) => plot.height - plot.bottom - ((plot.height - plot.top - plot.bottom) * value) / yEnd;
  const parts = [];
  const yStep = stepOf(yEnd);
  for (let tick = 0; tick <= yEnd * 1.0001; tick += yStep) {
    parts.push(shape("line", { class: "grid", x1: plot.left, x2: plot.width - plot.right, y1: y(tick), y2: y(tick) }));
    parts.push(shape("text", { x: plot.left - 6, y: y(tick) + 4, "text-anchor": "end" }, String(+tick.toFixed(6))));
  }
  const xStep = Math.max(1, stepOf(xEnd));
  for (let tick = 0; hasXTicks && tick <= xEnd * 1.0001; tick += xStep) {
    parts.push(
      shape("text", { x: x(tick), y: plot.height - plot.bottom + 15, "text-anchor": "middle" }, String(+tick.toFixed(6))));
  }
  parts.push(
    shape("text", { x: (plot.left + plot.width - plot.right) / 2, y: plot.height - 5, "text-anchor": "middle" }, xTitle));
  svg.replaceChildren(...parts);
  return { x, y };
}

function drawLine(id, points, xTitle, yEnd) {
  const svg = byId(id);
  const xEnd = Math.max(1, ...points.map((point) => point[0]));
  const top = Math.max(1, ...points.map((point) => point[1]));
  const end = yEnd || Math.ceil(top / stepOf(top)) * stepOf(top);
  const { x, y } = axes(svg, xEnd, end, xTitle, true);
  if (points.length === 0) return;
  const path = points.map((point) => `${x(point[0]).toFixed(1)},${y(point[1]).toFixed(1)}`).join(" ");
  svg.append(shape("polyline", { class: "line", points: path }));
  const last = points[points.length - 1];
  svg.append(shape("circle", { class: "dot", cx: x(last[0]), cy: y(last[1]), r: 3.5 }));
  const below = y(last[1]) < plot.top + 16;
  // Beside the axis there is room on the right alone.
  const side = x(last[0]) < plot.left + 30 ? 6 : -6;
  const place = { x: x(last[0]) + side, y: y(last[1]) + (below ? 16 : -8), "text-anchor": side < 0 ? "end" : "start" };
  svg.append(shape("text", place, String(+last[1].toFixed(1))));
}

function drawBars(id, counts, xTitle) {
  const svg = byId(id);
  const top = Math.max(1, ...counts);
  const slots = Math.max(counts.length, 5);
  const { x, y } = axes(svg, slots, Math.ceil(top / stepOf(top)) * stepOf(top), xTitle, false);
  const everyNth = Math.ceil(slots / 14);
  counts.forEach((count, index) => {
    const bar = shape("rect", {
      class: "bar", x: x(index + 0.12), width: x(0.76) - x(0), y: y(count), height: y(0) - y(count) });
    bar.append(shape("title", {}, `${index}: ${count}`));
    svg.append(bar);
  });
  for (let index = 0; index < slots; index += everyNth) {
    svg.append(
      shape("text", { x: x(index + 0.5), y: plot.height - plot.bottom + 15, "text-anchor": "middle" }, String(index)));
  }
}

// The rest of the page.

function showTiles(frame) {
  const accuracy = frame.accuracy.length ? frame.accuracy[frame.accuracy.length - 1][2].toFixed(1) + " %" : "–";
  const gone = frame.clientCount - frame.alive;
  const tiles = [
    ["version", frame.version], ["updates", frame.updates], ["of these late", frame.late],
    ["accuracy", accuracy], [`of ${frame.clientCount} clients alive`, frame.alive, gone > 0 && !frame.finished],
    ["tasks in flight", frame.inFlight], ["updates in the buffer", frame.buffered], ["prompts in the pool", frame.pool],
    ["since the last version", frame.sinceFlush === undefined ? "–" : duration(frame.sinceFlush)],
    ["updates rejected", frame.rejected, frame.rejected > 0], ["malformed messages", frame.malformed, frame.malformed > 0],
    ["running for", duration(frame.seconds)],
  ];
  byId("tiles").replaceChildren(...tiles.map(([name, value, isBad]) => {
    const tile = make("li", undefined, isBad ? "bad" : "");
    tile.append(make("b", String(value)), make("span", name));
    return tile;
  }));
}

function showClients(frame) {
  const counts = {};
  for (const client of frame.clients) counts[client.state] = (counts[client.state] || 0) + 1;
  const words = Object.entries(counts).map(([state, count]) => `${count} ${state}`);
  if (frame.clientCount > frame.clients.length) words.push(`${frame.clientCount - frame.clients.length} not shown`);
  byId("client-counts").textContent = words.join(", ");
  byId("clients").replaceChildren(...frame.clients.map((client) => {
    const row = make("tr", undefined, client.state);
    const texts = [
      client.id, client.state, duration(client.heard) + " ago", client.behind === undefined ? "–" : String(client.behind),
      String(client.updates), String(client.late), number(client.lastStaleness, 0), number(client.meanStaleness, 1),
    ];
    row.append(...texts.map((text) => make("td", text)));
    row.title = client.id;
    return row;
  }));
}

function showLog(frame) {
  const log = byId("log");
  const atEnd = log.scrollTop + log.clientHeight >= log.scrollHeight - 4;
  log.replaceChildren(...frame.lines.map((line) => {
    const entry = make("li", undefined, line.level);
    entry.append(make("time", clock(line.milliseconds)), document.createTextNode(line.text));
    return entry;
  }));
  if (atEnd) log.scrollTop = log.scrollHeight;
}

function show(frame) {
  byId("heading").textContent = frame.heading;
  document.title = `v${frame.version} – Impromptu`;
  showTiles(frame);
  drawLine("by-updates", frame.accuracy.map((row) => [row[0], row[2]]), "updates", 100);
  drawLine("by-clock", frame.accuracy.map((row) => [row[1], row[2]]), "seconds", 100);
  drawLine("pool", frame.pools, "version");
  drawBars("staleness", frame.staleness, "versions between an update's start and its use");
  showClients(frame);
  showLog(frame);
}

// Connection: the browser comes again by itself when the aggregator dies, except where the server turned it away.

let lastNews = null;
let finished = false;

function status(name, text) {
  byId("status").className = name;
  byId("status").textContent = text;
  document.body.classList.toggle("stale", name === "disconnected");
}

function lost() {
  const since = lastNews === null ? "" : ` since ${clock(lastNews)}`;
  if (finished) status("finished", `the run has finished; the aggregator left${since}`);
  else status("disconnected", `disconnected${since}; trying again`);
}

function connect() {
  const source = new EventSource("events");
  source.onmessage = (event) => {
    const frame = JSON.parse(event.data);
    lastNews = Date.now();
    finished = frame.finished;
    show(frame);
    if (finished) status("finished", "the run has finished");
    else status("running", frame.recovered ? "running, recovered" : "running");
  };
  source.onerror = () => {
    lost();
    if (source.readyState === EventSource.CLOSED) setTimeout(connect, 2000);
  };
}

setInterval(() => { if (lastNews !== null && Date.now() - lastNews > 5000) lost(); }, 1000);
connect();
