"use strict";
// The confusion of many classes: search a word, zoom, see what it is taken for. The page's data are text, never markup.
(() => {
  const place = (id) => document.getElementById(id);
  const { labels, cells } = JSON.parse(place("confusion").textContent);
  const count = labels.length;
  const zeros = () => new Array(count).fill(0);
  const totals = zeros(), hits = zeros();
  const takenFor = labels.map(() => []), givenFor = labels.map(() => []);
  for (const [label, taken, times] of cells) {
    totals[label] += times;
    if (label === taken) hits[label] += times;
    else {
      takenFor[label].push([taken, times]);
      givenFor[taken].push([label, times]);
    }
  }
  const accuracy = (word) => (totals[word] ? hits[word] / totals[word] : -1);
  const canvas = place("explorer-canvas"), pen = canvas.getContext("2d"), said = place("explorer-said");
  let order = labels.map((_, word) => word), rank = zeros(), side = 0, scale = 0, left = 0, top = 0, chosen = -1;

  // ---------------------------------------------------------------- what is where
  const smallest = () => (side - 12) / count;
  const margin = () => (scale >= 11 ? Math.min(110, side / 4) : 6);
  const across = (word) => margin() + (rank[word] - left) * scale;
  const down = (word) => margin() + (rank[word] - top) * scale;

  function sort(how) {
    if (how === "accuracy") order.sort((a, b) => accuracy(a) - accuracy(b) || a - b);
    else order.sort((a, b) => a - b);
    order.forEach((word, at) => { rank[word] = at; });
  }

  function stay() {
    scale = Math.min(Math.max(scale, smallest()), 40);
    const room = (side - margin()) / scale;
    left = Math.max(0, Math.min(left, count - room));
    top = Math.max(0, Math.min(top, count - room));
  }

  function zoom(factor, x = side / 2, y = side / 2) {
    const column = left + (x - margin()) / scale, row = top + (y - margin()) / scale;
    scale *= factor;
    stay();
    left = column - (x - margin()) / scale;
    top = row - (y - margin()) / scale;
    draw();
  }

  // ---------------------------------------------------------------- drawing
  function draw() {
    stay();
    const style = getComputedStyle(document.documentElement), colour = (name) => style.getPropertyValue(name).trim();
    const good = colour("--good"), bad = colour("--bad");
    const edge = margin(), sharp = window.devicePixelRatio || 1;
    canvas.width = canvas.height = side * sharp;
    pen.setTransform(sharp, 0, 0, sharp, 0, 0);
    pen.fillStyle = colour("--wash");
    pen.fillRect(edge, edge, side - edge, side - edge);
    pen.save();
    pen.beginPath();
    pen.rect(edge, edge, side - edge, side - edge);
    pen.clip();
    if (chosen >= 0) {
      pen.fillStyle = colour("--line");
      pen.fillRect(edge, down(chosen), side, Math.max(scale, 1.5));
      pen.fillRect(across(chosen), edge, Math.max(scale, 1.5), side);
    }
    const dot = Math.max(scale * 0.92, 2);
    for (const [label, taken, times] of cells) {
      pen.globalAlpha = 0.35 + 0.65 * (times / totals[label]);
      pen.fillStyle = label === taken ? good : bad;
      pen.fillRect(across(taken), down(label), dot, dot);
    }
    pen.restore();
    if (scale >= 11) write(edge, colour);
  }

  function write(edge, colour) {
    pen.font = "11px system-ui, sans-serif";
    const shown = Math.ceil((side - edge) / scale) + 1;
    const short = (word) => (labels[word].length > 15 ? `${labels[word].slice(0, 14)}…` : labels[word]);
    for (let step = 0; step < shown; step += 1) {
      const row = order[Math.floor(top) + step], column = order[Math.floor(left) + step];
      pen.textAlign = "right";
      if (row !== undefined && down(row) >= edge - scale / 2) {
        pen.fillStyle = colour(row === chosen ? "--one" : "--soft");
        pen.fillText(short(row), edge - 5, down(row) + scale / 2 + 4);
      }
      if (column === undefined || across(column) < edge - scale / 2) continue;
      pen.save();
      pen.fillStyle = colour(column === chosen ? "--one" : "--soft");
      pen.translate(across(column) + scale / 2 + 4, edge - 5);
      pen.rotate(-Math.PI / 2);
      pen.textAlign = "left";
      pen.fillText(short(column), 0, 0);
      pen.restore();
    }
  }

  // ---------------------------------------------------------------- a word
  function list(head, pairs) {
    const part = document.createElement("p"), strong = document.createElement("strong");
    strong.textContent = head;
    part.append(strong, pairs.length ? "" : " nothing");
    for (const [word, times] of [...pairs].sort((a, b) => b[1] - a[1] || a[0] - b[0])) {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = `${labels[word]} × ${times}`;
      button.addEventListener("click", () => choose(word));
      part.append(" ", button);
    }
    return part;
  }

  function choose(word) {
    chosen = word;
    const title = document.createElement("p"), name = document.createElement("strong");
    name.textContent = labels[word];
    title.append(name, totals[word] ? `: ${hits[word]} of ${totals[word]} clips right` : ": no clip in the test");
    place("explorer-word").replaceChildren(
      title, list("Taken for:", takenFor[word]), list("Others taken for it:", givenFor[word]),
    );
    scale = Math.max(scale, 14);
    const room = (side - margin()) / scale;
    left = top = rank[word] - room / 2;
    draw();
  }

  function find(text) {
    const wanted = text.trim().toLowerCase();
    if (!wanted) return;
    const exact = labels.findIndex((one) => one.toLowerCase() === wanted);
    const word = exact >= 0 ? exact : labels.findIndex((one) => one.toLowerCase().includes(wanted));
    if (word >= 0) choose(word);
    else place("explorer-word").textContent = `No word like “${text}”.`;
  }

  // ---------------------------------------------------------------- hands on it
  function nearest(x, y) {
    let best = null, reach = Math.max(scale / 2, 4) + 1;
    for (const cell of cells) {
      const away = Math.max(Math.abs(across(cell[1]) + scale / 2 - x), Math.abs(down(cell[0]) + scale / 2 - y));
      if (away < reach) [best, reach] = [cell, away];
    }
    return best;
  }

  let drag = null;
  canvas.addEventListener("pointerdown", (event) => {
    drag = { x: event.offsetX, y: event.offsetY, moved: false };
    canvas.setPointerCapture(event.pointerId);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (drag) {
      drag.moved ||= Math.hypot(event.offsetX - drag.x, event.offsetY - drag.y) > 3;
      left -= (event.offsetX - drag.x) / scale;
      top -= (event.offsetY - drag.y) / scale;
      Object.assign(drag, { x: event.offsetX, y: event.offsetY });
      draw();
      return;
    }
    const cell = nearest(event.offsetX, event.offsetY);
    said.textContent = cell ? `${labels[cell[0]]} taken for ${labels[cell[1]]}: ${cell[2]} of ${totals[cell[0]]}` : " ";
  });
  canvas.addEventListener("pointerup", (event) => {
    const cell = drag && !drag.moved ? nearest(event.offsetX, event.offsetY) : null;
    drag = null;
    if (cell) choose(cell[0]);
  });
  canvas.addEventListener("pointercancel", () => { drag = null; });
  canvas.addEventListener("dblclick", (event) => zoom(2, event.offsetX, event.offsetY));
  canvas.addEventListener("wheel", (event) => {
    if (!event.ctrlKey && !event.metaKey) return; // the wheel alone scrolls the page; a pinch comes with ctrl
    event.preventDefault();
    zoom(Math.exp(-event.deltaY / 200), event.offsetX, event.offsetY);
  }, { passive: false });
  canvas.addEventListener("keydown", (event) => {
    const step = (side / scale) / 8;
    const moves = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] };
    if (event.key === "+" || event.key === "-") zoom(event.key === "+" ? 1.6 : 1 / 1.6);
    else if (moves[event.key]) {
      left += moves[event.key][0];
      top += moves[event.key][1];
      draw();
    } else return;
    event.preventDefault();
  });
  place("explorer-in").addEventListener("click", () => zoom(1.8));
  place("explorer-out").addEventListener("click", () => zoom(1 / 1.8));
  place("explorer-all").addEventListener("click", () => { scale = 0; draw(); });
  place("explorer-order").addEventListener("change", (event) => { sort(event.target.value); draw(); });
  place("explorer-search").addEventListener("change", (event) => find(event.target.value));
  place("explorer-search").addEventListener("focus", () => {
    const names = place("explorer-names");
    if (!names.options.length) names.append(...labels.map((one) => new Option(one, one)));
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);

  place("explorer").hidden = false;
  const fit = () => {
    side = Math.max(240, Math.min(640, place("explorer").clientWidth));
    canvas.style.width = canvas.style.height = `${side}px`;
    draw();
  };
  addEventListener("resize", fit);
  sort("name");
  fit();
})();
