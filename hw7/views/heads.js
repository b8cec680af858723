// ---- Heads: a thumbnail for each layer and head, of the column that was pinned or pointed at last.

function makeHeads(panel) {
  const { layers, heads } = data.heads, section = make("div", "hw7-heads", undefined, panel.element);
  const title = (panel.headTitle = make("h4", "hw7-name", "", section));
  panel.headState = make("div", "hw7-state", say("headHint"), section);
  panel.headState.setAttribute("role", "status");
  const table = make("table", "", undefined, make("div", "hw7-frame", undefined, section)), line = table.createTHead().insertRow();
  table.setAttribute("aria-labelledby", (title.id = `hw7-heads-${data.identity}-${document.querySelectorAll(".hw7-heads").length}`));
  make("td", "", undefined, line);
  heads.forEach((head) => (make("th", "hw7-small", head, line).scope = "col"));
  const body = table.createTBody();
  panel.thumbs = layers.map((layer) => {
    const row = body.insertRow();
    make("th", "hw7-small", layer, row).scope = "row";
    return heads.map((head) => {
      const button = make("button", "hw7-thumb", undefined, row.insertCell());
      Object.assign(button, { type: "button", tabIndex: -1 });
      make("canvas", "", undefined, button).height = 1;
      for (const kind of ["pointerenter", "focus"]) button.addEventListener(kind, () => tellHead(panel, button));
      return button;
    });
  });
  panel.thumbs[0][0].tabIndex = 0;
  body.addEventListener("keydown", (event) => moveThumb(panel, event));
  showHeads(panel, 0);
}

// The weights of a column `[layer, head, row]`: like its scores, the sum over rows and the mean over tokens.
function headsOf({ view }, column) {
  const { layers, heads } = data.heads, { members } = view.columns[column];
  const known = members.map((token) => {
    const bytes = Uint8Array.from(atob(data.heads.columns[token]), (character) => character.charCodeAt(0)), all = new DataView(bytes.buffer);
    const width = bytes.length / 2 / layers.length / heads.length;
    return (at, row) => (row < width ? all.getUint16(2 * (at * width + row), true) / 65535 : 0);
  });
  const of = (at) => view.rows.map((row) => total(known.flatMap((weight) => row.members.map((member) => weight(at, member)))) / members.length);
  return layers.map((_, layer) => heads.map((_, head) => of(layer * heads.length + head)));
}

function showHeads(panel, column) {
  if (panel.headColumn === column) return;
  panel.headColumn = column;
  panel.headTitle.textContent = say("heads", panel.view.columns[column].label);
  const weights = headsOf(panel, column), end = highest(weights.flat(2));
  weights.forEach((line, layer) => line.forEach((scores, head) => {
    const button = panel.thumbs[layer][head], canvas = button.firstChild, context = canvas.getContext("2d");
    canvas.width = scores.length;
    const picture = context.createImageData(scores.length, 1);
    scores.forEach((score, row) => picture.data.set([...colorOf(score, end, false, panel.theme), 255], 4 * row));
    context.putImageData(picture, 0, 0);
    const best = scores.map((score, row) => [score, panel.view.rows[row].label]).sort((one, other) => other[0] - one[0]).slice(0, 4);
    button.told = `${say("head", data.heads.layers[layer])} · ${say("headNumber", data.heads.heads[head])}: ${panel.view.columns[column].label} ← ${best.map(([score, label]) => `${label} ${written(score, 3)}`).join(" · ")}`;
    button.setAttribute("aria-label", button.told);
  }));
}

function tellHead(panel, button) {
  panel.headState.textContent = button.told;
}

function moveThumb({ thumbs }, event) {
  const step = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0], Home: [0, -1e6], End: [0, 1e6] }[event.key];
  if (!step) return;
  stop(event);
  const button = event.target.closest("button"), layer = thumbs.findIndex((line) => line.includes(button)), head = thumbs[layer].indexOf(button);
  const clamp = (value, count) => Math.max(0, Math.min(count - 1, value));
  const next = thumbs[clamp(layer + step[0], thumbs.length)][clamp(head + step[1], thumbs[layer].length)];
  button.tabIndex = -1;
  next.tabIndex = 0;
  next.focus();
}
