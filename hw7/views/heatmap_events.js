// Pointer, keyboard and theme; one set of listeners for the whole component.
function placeOf(app, event) {
  const panel = app.panels.find((one) => one.element.contains(event.target));
  if (!panel) return null;
  if (panel.map.contains(event.target)) {
    const box = panel.map.getBoundingClientRect();
    const column = Math.floor((event.clientX - box.left) / panel.size.width), row = Math.floor((event.clientY - box.top) / panel.size.height);
    const isInside = row >= 0 && column >= 0 && row < panel.view.rows.length && column < panel.view.columns.length;
    return isInside ? { row, column } : null;
  }
  const named = event.target.closest("[data-row],[data-column]");
  if (!named) return null;
  return named.dataset.row === undefined ? { column: Number(named.dataset.column) } : { row: Number(named.dataset.row) };
}

const isSame = (one, other) => Boolean(one && other && one.row === other.row && one.column === other.column);

function listen(app) {
  const { stage } = app;
  const point = (place) => { if (!isSame(app.pointed, place) && (app.pointed || place)) { app.pointed = place; mark(app); } };
  stage.addEventListener("pointermove", (event) => { if (event.pointerType !== "touch") point(placeOf(app, event)); });
  stage.addEventListener("pointerleave", () => point(null));
  stage.addEventListener("click", (event) => { const place = placeOf(app, event); if (place) pin(app, place); });
  stage.addEventListener("focusin", (event) => { if (event.target.matches(".hw7-token:focus-visible")) point(placeOf(app, event)); });
  stage.addEventListener("focusout", () => point(null));
  stage.addEventListener("keydown", (event) => onKey(app, event, point));
  app.tabs.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!step) return;
    app.tab = (app.tab + step + app.tabs.children.length) % app.tabs.children.length;
    show(app);
    app.tabs.children[app.tab].focus();
    stop(event);
  });
}

function pin(app, place) {
  app.pinned = isSame(app.pinned, place) ? null : place;
  mark(app);
}

// JupyterLab has single-key commands of its own; keys used here must not reach it.
function stop(event) {
  event.preventDefault();
  event.stopPropagation();
}

function onKey(app, event, point) {
  if (event.ctrlKey || event.altKey || event.metaKey) return;
  const panel = app.panels.find((one) => one.element.contains(event.target));
  if (!panel) return;
  if (event.key === "Escape") { app.pinned = null; point(null); mark(app); stop(event); return; }
  if (event.key === "Enter" || event.key === " ") {
    const place = event.target === panel.frame ? app.pointed : placeOf(app, event);
    if (place) pin(app, place);
    stop(event);
    return;
  }
  const step = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0], Home: [0, -1e6], End: [0, 1e6] }[event.key];
  if (!step) return;
  stop(event);
  event.target === panel.frame ? moveCell(panel, app, step, point) : moveWord(panel, event.target, step);
}

function moveCell(panel, app, [down, right], point) {
  const clamp = (value, count) => Math.max(0, Math.min(count - 1, value));
  const { row, column } = app.pointed || app.pinned || {};
  const isFirst = row === undefined || column === undefined;
  const next = { row: clamp(isFirst ? row || 0 : row + down, panel.view.rows.length), column: clamp(isFirst ? column || 0 : column + right, panel.view.columns.length) };
  point(next);
  const { frame, size } = panel, left = next.column * size.width, top = next.row * size.height;
  const room = { width: frame.clientWidth - size.sides, height: frame.clientHeight - size.heads };
  if (left < frame.scrollLeft) frame.scrollLeft = left;
  if (left + size.width > frame.scrollLeft + room.width) frame.scrollLeft = left + size.width - room.width;
  if (top < frame.scrollTop) frame.scrollTop = top;
  if (top + size.height > frame.scrollTop + room.height) frame.scrollTop = top + size.height - room.height;
}

// Only one word of a line is a stop of the Tab key; arrows walk along the line.
function moveWord(panel, word, [down, right]) {
  const line = panel.sources.includes(word) ? panel.sources : panel.generated;
  const other = line === panel.sources ? panel.generated : panel.sources;
  const next = down ? other[0] : line[Math.max(0, Math.min(line.length - 1, line.indexOf(word) + right))];
  if (!next) return;
  word.tabIndex = down ? word.tabIndex : -1;
  next.tabIndex = 0;
  next.focus();
}

// The page's own word on its theme comes first, then the color behind, then the system's wish.
function themeOf(root) {
  const isLight = document.querySelector("[data-jp-theme-light]")?.dataset.jpThemeLight;
  if (isLight) return isLight === "true" ? "light" : "dark";
  const body = document.body.classList, page = document.documentElement.getAttribute("theme");
  if (body.contains("vscode-dark") || body.contains("vscode-high-contrast") || page === "dark") return "dark";
  if (body.contains("vscode-light") || page === "light") return "light";
  for (let element = root.parentElement; element; element = element.parentElement) {
    const color = (getComputedStyle(element).backgroundColor.match(/[\d.]+/g) || []).map(Number);
    if (color.length === 3 || color[3] > 0.5) return luminance(color.slice(0, 3)) > 0.3 ? "light" : "dark";
  }
  return matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
}

function followTheme(app) {
  app.root.dataset.theme = app.theme;
  const update = () => {
    if (!app.root.isConnected || app.theme === themeOf(app.root)) return;
    app.root.dataset.theme = app.theme = themeOf(app.root);
    build(app);
  };
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", update);
  const observer = new MutationObserver(update), options = { attributes: true, attributeFilter: ["class", "theme", "data-jp-theme-light", "style"] };
  for (const element of [document.body, document.documentElement]) observer.observe(element, options);
}

for (const root of document.querySelectorAll(`[data-hw7="${data.identity}"]:not([data-ready])`)) start(root);
