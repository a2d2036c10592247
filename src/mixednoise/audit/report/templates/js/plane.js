// The plane of loss and entropy: points on one canvas, the marked one on another above it, so that
// moving over ten thousand points draws one.
const REACH = 14; // pixels within which a point is found
const CELL = 24; // pixels of a cell of the index

function startPlane(viewer) {
  const source = document.getElementById("points");
  if (!source) return;
  const data = JSON.parse(source.textContent);
  const box = document.getElementById("plane-box");
  const canvas = document.getElementById("plane-canvas");
  const over = document.getElementById("plane-over");
  const tip = document.getElementById("plane-tip");
  const live = document.getElementById("plane-live");
  const classes = document.getElementById("plane-class");
  const colour = document.getElementById("plane-colour");
  const toggles = new Map([...box.querySelectorAll("[data-state]")].map((x) => [Number(x.dataset.state), x]));
  const words = [...toggles].filter(([code]) => code >= 0).map(([, x]) => x.parentElement.childNodes)
    .map((nodes) => [...nodes].find((node) => node.nodeType === 3 && node.data.trim()).data.trim());
  const count = data.id.length;
  const range = (values) => values.reduce(([a, b], v) => [Math.min(a, v), Math.max(b, v)], [0, 0]);
  const [, maxX] = range(data.loss);
  const [, maxY] = range(data.entropy);
  const frame = { left: 52, right: 16, top: 14, bottom: 42 };
  let width = 0, height = 0, index = new Map(), shown = [], marked = -1, walk = [];
  const px = new Float32Array(count), py = new Float32Array(count);

  box.hidden = false;
  document.getElementById("plane-none").hidden = true;
  const states = () => (colour?.value === "truth" ? data.truth : data.state);

  function layout() {
    const ratio = devicePixelRatio || 1;
    width = canvas.clientWidth;
    height = canvas.clientHeight;
    if (!width) return;
    for (const one of [canvas, over]) {
      one.width = Math.round(width * ratio);
      one.height = Math.round(height * ratio);
      one.getContext("2d").setTransform(ratio, 0, 0, ratio, 0, 0);
    }
    const w = width - frame.left - frame.right, h = height - frame.top - frame.bottom;
    for (let i = 0; i < count; i++) {
      px[i] = frame.left + 5 + (data.loss[i] / (maxX || 1)) * (w - 10);
      py[i] = frame.top + h - 5 - (data.entropy[i] / (maxY || 1)) * (h - 10);
    }
    choose();
  }

  function choose() {
    const of = states();
    const chosen = classes.value === "" ? -1 : Number(classes.value);
    const counts = new Map();
    shown = [];
    index = new Map();
    for (let i = 0; i < count; i++) {
      if (chosen >= 0 && data.given[i] !== chosen) continue;
      counts.set(of[i], (counts.get(of[i]) ?? 0) + 1);
      if (!toggles.get(of[i])?.checked) continue;
      shown.push(i);
      const key = cellOf(px[i], py[i]);
      if (!index.has(key)) index.set(key, []);
      index.get(key).push(i);
    }
    for (const [code, input] of toggles) {
      const number = counts.get(code) ?? 0;
      input.parentElement.querySelector("[data-count]").textContent = number.toLocaleString("en");
      if (code < 0) input.parentElement.hidden = !of.includes(-1);
    }
    walk = [...shown].sort((a, b) => data.loss[a] - data.loss[b] || data.entropy[a] - data.entropy[b]);
    if (!shown.includes(marked)) mark(-1);
    draw();
  }

  const cellOf = (x, y) => Math.floor(x / CELL) * 4096 + Math.floor(y / CELL);

  function draw() {
    const pen = canvas.getContext("2d");
    const style = getComputedStyle(document.documentElement);
    const ink = (name) => style.getPropertyValue(name).trim();
    pen.clearRect(0, 0, width, height);
    drawAxes(pen, ink, { width, height, frame, maxX, maxY });
    const of = states();
    const size = shown.length > 6000 ? 2.2 : shown.length > 1500 ? 2.8 : 3.6;
    pen.globalAlpha = 0.8;
    // The rare groups on top of the frequent one.
    for (const code of [-1, 0, 2, 1]) {
      pen.beginPath();
      for (const i of shown) if (of[i] === code) drawMark(pen, code, px[i], py[i], size);
      if (code < 0) { pen.strokeStyle = ink("--soft"); pen.lineWidth = 1; pen.stroke(); }
      else { pen.fillStyle = ink(`--g${code}`); pen.fill(); }
    }
    pen.globalAlpha = 1;
    highlight();
  }

  function highlight() {
    const pen = over.getContext("2d");
    pen.clearRect(0, 0, width, height);
    if (marked < 0) return;
    const style = getComputedStyle(document.documentElement);
    pen.strokeStyle = style.getPropertyValue("--ink");
    pen.lineWidth = 2;
    pen.beginPath();
    pen.arc(px[marked], py[marked], 8, 0, 7);
    pen.stroke();
  }

  function nearest(x, y) {
    let best = -1, distance = REACH * REACH;
    for (let dx = -1; dx <= 1; dx++) {
      for (let dy = -1; dy <= 1; dy++) {
        for (const i of index.get(cellOf(x + dx * CELL, y + dy * CELL)) ?? []) {
          const d = (px[i] - x) ** 2 + (py[i] - y) ** 2;
          if (d < distance) { best = i; distance = d; }
        }
      }
    }
    return best;
  }

  function mark(i, say = false) {
    if (i === marked && !say) return;
    marked = i;
    highlight();
    tip.hidden = i < 0;
    if (i < 0) return;
    tip.replaceChildren(...described(i));
    const w = tip.offsetWidth, h = tip.offsetHeight;
    tip.style.left = `${Math.max(6, px[i] + 16 + w > width ? px[i] - 16 - w : px[i] + 16)}px`;
    tip.style.top = `${Math.min(Math.max(6, py[i] - h / 2), Math.max(6, height - h - 6))}px`;
    if (say) live.textContent = [...tip.querySelectorAll("p")].map((p) => p.textContent).join(". ");
  }

  function described(i) {
    const parts = [];
    const picture = cardOf(i)?.querySelector(".frame img");
    if (picture) {
      const image = document.createElement("img");
      image.src = picture.src;
      image.alt = "";
      parts.push(image);
    }
    const add = (text, name = "") => {
      const p = document.createElement("p");
      p.textContent = text;
      p.className = name;
      parts.push(p);
      return p;
    };
    const name = (code) => data.classes[code] ?? "none";
    add(data.id[i], "id");
    const other = data.suggested[i] >= 0 && data.suggested[i] !== data.given[i];
    add(other ? `${name(data.given[i])} → ${name(data.suggested[i])}` : name(data.given[i])).style.fontWeight = "650";
    if (data.p && data.p[0][i] !== null) {
      words.forEach((word, k) => add(`${word}: ${Math.round(100 * data.p[k][i])}%`));
    } else if (data.state[i] >= 0) add(words[data.state[i]]);
    add(`loss ${data.loss[i].toFixed(2)}, entropy ${data.entropy[i].toFixed(2)}`, "soft");
    if (data.truth?.[i] >= 0) add(`truth: ${words[data.truth[i]]}`, "soft");
    return parts;
  }

  const cardOf = (i) => (data.card[i] ? document.getElementById(data.card[i]) : null);
  const enlarge = () => { const card = marked >= 0 && cardOf(marked); if (card) viewer.open(card); };

  canvas.addEventListener("pointermove", (event) => mark(nearest(event.offsetX, event.offsetY)));
  canvas.addEventListener("pointerleave", () => mark(-1));
  canvas.addEventListener("click", (event) => {
    mark(nearest(event.offsetX, event.offsetY));
    enlarge();
  });
  canvas.addEventListener("blur", () => mark(-1));
  canvas.addEventListener("keydown", (event) => {
    const steps = { ArrowRight: 1, ArrowLeft: -1, ArrowUp: 10, ArrowDown: -10, PageUp: 100, PageDown: -100 };
    const place = walk.indexOf(marked);
    if (event.key in steps) {
      const next = place < 0 ? 0 : Math.min(Math.max(place + steps[event.key], 0), walk.length - 1);
      if (walk.length) mark(walk[next], true);
    } else if (event.key === "Home" || event.key === "End") {
      if (walk.length) mark(walk[event.key === "Home" ? 0 : walk.length - 1], true);
    } else if (event.key === "Enter") enlarge();
    else if (event.key === "Escape") mark(-1);
    else return;
    event.preventDefault();
  });
  for (const input of [...toggles.values(), classes, colour]) input?.addEventListener("input", choose);
  document.addEventListener("theme", draw);
  matchMedia("print").addEventListener("change", draw);
  new ResizeObserver(layout).observe(canvas);
}
