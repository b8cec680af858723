// Scores: unpacking, leaving special tokens out, rounding and colors.
const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const digitOf = Object.fromEntries([...ALPHABET].map((character, digit) => [character, digit]));

function unpack(layer) {
  const scores = new Float64Array(data.rows.length * data.columns.length).fill(NaN);
  for (let place = 0, at = 0; place < scores.length; place += 1) {
    if (layer.scores[at] === ".") { at += 1; continue; }
    const [a, b, c] = layer.scores.slice(at, at + 3);
    scores[place] = digitOf[a] * 4096 + digitOf[b] * 64 + digitOf[c] - 131072;
    at += 3;
  }
  return scores; // whole numbers, in units of 10 ** -layer.decimals
}

// Rows and columns shown, and each layer's scores over them: all, or without special tokens.
function select(isHiding) {
  const keep = (flags) => [...flags].map((flag, at) => (isHiding && flag === "1" ? -1 : at)).filter((at) => at >= 0);
  const rows = keep(data.specialRows), columns = keep(data.specialColumns);
  const width = data.columns.length;
  const layers = data.layers.map((layer) => {
    const all = (layer.unpacked ||= unpack(layer));
    const scores = rows.map((row) => columns.map((column) => all[row * width + column]));
    if (isHiding && layer.isShare) rescale(scores, columns.map((column) => total(data.rows.map((_, row) => all[row * width + column]))));
    const sizes = scores.flat().filter((score) => score === score).map(Math.abs);
    const highest = sizes.reduce((most, size) => Math.max(most, size), 0) / 10 ** layer.decimals;
    return { name: layer.name, isSigned: layer.isSigned, isShare: layer.isShare, decimals: layer.decimals, scores, highest };
  });
  const shared = Math.max(0, ...layers.filter((layer) => layer.isShare).map((layer) => layer.highest));
  for (const layer of layers) layer.end = (layer.isShare ? shared : layer.highest) || 1;
  return { rows, columns, layers };
}

function total(scores) {
  return scores.reduce((sum, score) => sum + (score === score ? score : 0), 0);
}

// Scale each column to the total it had before rows were left out.
function rescale(scores, totals) {
  totals.forEach((before, column) => {
    const after = total(scores.map((row) => row[column]));
    if (after > 0) for (const row of scores) row[column] *= before / after;
  });
}

// Round half to even, as Python does; the packed digits never make a tie out of none.
function written(score, layer, places) {
  const digits = Math.min(places, layer.decimals);
  const unit = 10 ** (layer.decimals - digits);
  const size = Math.abs(score) / unit;
  let whole = Math.floor(size + 1e-9);
  const rest = size - whole;
  if (rest > 0.5 + 1e-9 || (Math.abs(rest - 0.5) <= 1e-9 && whole % 2 === 1)) whole += 1;
  return (score < 0 && whole > 0 ? "−" : "") + (whole / 10 ** digits).toFixed(digits);
}

const rgb = (hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));

function colorOf(score, layer, theme) {
  if (score !== score) return null;
  const stops = data.scales[theme][layer.isSigned ? "diverging" : "sequential"].map(rgb);
  const share = Math.max(-1, Math.min(1, score / 10 ** layer.decimals / layer.end));
  const at = (layer.isSigned ? (share + 1) / 2 : Math.max(0, share)) * (stops.length - 1);
  const low = Math.min(Math.floor(at), stops.length - 2);
  return stops[low].map((part, channel) => Math.round(part + (stops[low + 1][channel] - part) * (at - low)));
}

function paint(element, color) {
  element.style.background = color ? `rgb(${color})` : "";
  element.style.color = color ? inkOn(color) : "";
}

// The ink with the higher WCAG contrast.
function inkOn(color) {
  return luminance(color) > 0.1791 ? "#000" : "#fff";
}

function luminance(color) {
  const [red, green, blue] = color.map((part) => (part / 255 <= 0.04045 ? part / 3294.6 : ((part / 255 + 0.055) / 1.055) ** 2.4));
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
