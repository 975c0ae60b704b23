// SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
// SPDX-License-Identifier: GPL-3.0-or-later
// A QR code (ISO/IEC 18004) of a text in bytes, with error correction M, versions 1 to 10, as an SVG element.
// Version by version: code words for error correction in a block, then blocks as [how many, data code words in each].
const BLOCKS = [
  [10, [[1, 16]]], [16, [[1, 28]]], [26, [[1, 44]]], [18, [[2, 32]]], [24, [[2, 43]]],
  [16, [[4, 27]]], [18, [[4, 31]]], [22, [[2, 38], [2, 39]]], [22, [[3, 36], [2, 37]]], [26, [[4, 43], [1, 44]]],
];
const ALIGNMENT = [[], [6, 18], [6, 22], [6, 26], [6, 30], [6, 34], [6, 22, 38], [6, 24, 42], [6, 26, 46], [6, 28, 50]];

const EXP = new Uint8Array(512);
const LOG = new Uint8Array(256);
for (let i = 0, x = 1; i < 255; i += 1) {
  EXP[i] = x;
  EXP[i + 255] = x;
  LOG[x] = i;
  x = (x << 1) ^ (x & 128 ? 0x11d : 0);
}
const times = (a, b) => (a && b ? EXP[LOG[a] + LOG[b]] : 0);

function correction(data, count) {
  let generator = [1];
  for (let i = 0; i < count; i += 1) {
    const next = [...generator, 0];
    generator.forEach((value, at) => { next[at + 1] ^= times(value, EXP[i]); });
    generator = next;
  }
  const rest = [...data, ...new Array(count).fill(0)];
  for (let i = 0; i < data.length; i += 1) {
    const factor = rest[i];
    generator.forEach((value, at) => { rest[i + at] ^= times(value, factor); });
  }
  return rest.slice(data.length);
}

function codeWords(bytes, version) {
  const [count, groups] = BLOCKS[version - 1];
  const sizes = groups.flatMap(([many, size]) => new Array(many).fill(size));
  const capacity = sizes.reduce((sum, size) => sum + size, 0);
  const bits = [];
  const put = (value, length) => { for (let i = length - 1; i >= 0; i -= 1) bits.push((value >> i) & 1); };
  put(4, 4);
  put(bytes.length, version < 10 ? 8 : 16);
  bytes.forEach((byte) => put(byte, 8));
  put(0, Math.min(4, capacity * 8 - bits.length));
  while (bits.length % 8) bits.push(0);
  const data = [];
  for (let i = 0; i < bits.length; i += 8) data.push(parseInt(bits.slice(i, i + 8).join(''), 2));
  for (let pad = 0xec; data.length < capacity; pad ^= 0xec ^ 0x11) data.push(pad);
  let at = 0;
  const blocks = sizes.map((size) => data.slice(at, at += size));
  const extra = blocks.map((block) => correction(block, count));
  const words = [];
  for (let i = 0; i < Math.max(...sizes); i += 1) blocks.forEach((block) => { if (i < block.length) words.push(block[i]); });
  for (let i = 0; i < count; i += 1) extra.forEach((block) => words.push(block[i]));
  return words;
}

const MASKS = [
  (r, c) => (r + c) % 2, (r) => r % 2, (r, c) => c % 3, (r, c) => (r + c) % 3,
  (r, c) => (Math.floor(r / 2) + Math.floor(c / 3)) % 2, (r, c) => ((r * c) % 2) + ((r * c) % 3),
  (r, c) => (((r * c) % 2) + ((r * c) % 3)) % 2, (r, c) => (((r + c) % 2) + ((r * c) % 3)) % 2,
];

function frame(version) {
  const size = 17 + 4 * version;
  const grid = Array.from({ length: size }, () => new Array(size).fill(null));
  const box = (row, column, span, paint) => {
    for (let r = -span; r <= span; r += 1) {
      for (let c = -span; c <= span; c += 1) {
        if (grid[row + r]?.[column + c] !== undefined) grid[row + r][column + c] = paint(Math.max(Math.abs(r), Math.abs(c)));
      }
    }
  };
  [[3, 3], [3, size - 4], [size - 4, 3]].forEach(([r, c]) => box(r, c, 4, (d) => (d !== 2 && d !== 4 ? 1 : 0)));
  for (let i = 8; i < size - 8; i += 1) { grid[6][i] = (i + 1) % 2; grid[i][6] = (i + 1) % 2; }
  for (const r of ALIGNMENT[version - 1]) {
    for (const c of ALIGNMENT[version - 1]) {
      const corner = (r === 6 && c === 6) || (r === 6 && c === size - 7) || (r === size - 7 && c === 6);
      if (!corner) box(r, c, 2, (d) => (d === 1 ? 0 : 1));
    }
  }
  return grid;
}

function remainder(value, polynomial, bits) {
  let rest = value << bits;
  for (let i = 31; i >= bits; i -= 1) if ((rest >>> i) & 1) rest ^= polynomial << (i - bits);
  return (value << bits) | rest;
}

function information(grid, version, mask) {
  const size = grid.length;
  const format = remainder(mask, 0x537, 10) ^ 0x5412; // correction M is 00
  for (let i = 0; i < 15; i += 1) {
    const bit = (format >> i) & 1;
    if (i < 6) grid[i][8] = bit; else if (i < 8) grid[i + 1][8] = bit; else if (i === 8) grid[8][7] = bit; else grid[8][14 - i] = bit;
    if (i < 8) grid[8][size - 1 - i] = bit; else grid[size - 15 + i][8] = bit;
  }
  grid[size - 8][8] = 1;
  if (version < 7) return;
  const number = remainder(version, 0x1f25, 12);
  for (let i = 0; i < 18; i += 1) {
    const bit = (number >> i) & 1;
    grid[Math.floor(i / 3)][size - 11 + (i % 3)] = bit;
    grid[size - 11 + (i % 3)][Math.floor(i / 3)] = bit;
  }
}

function fillIn(grid, words, mask) {
  const size = grid.length;
  let bit = 0;
  for (let right = size - 1, up = true; right > 0; right -= 2, up = !up) {
    if (right === 6) right -= 1;
    for (let step = 0; step < size; step += 1) {
      const row = up ? size - 1 - step : step;
      for (const column of [right, right - 1]) {
        if (grid[row][column] === null) {
          const value = bit < words.length * 8 ? (words[bit >> 3] >> (7 - (bit & 7))) & 1 : 0;
          grid[row][column] = value ^ (MASKS[mask](row, column) === 0 ? 1 : 0);
          bit += 1;
        }
      }
    }
  }
}

function penalty(grid) {
  const size = grid.length;
  let sum = 0;
  const lines = [...grid, ...grid.map((_row, c) => grid.map((row) => row[c]))].map((line) => line.join(''));
  for (const line of lines) {
    for (const run of line.match(/0{5,}|1{5,}/g) || []) sum += run.length - 2;
    sum += 40 * (line.match(/(?=10111010000|00001011101)/g) || []).length;
  }
  for (let r = 0; r < size - 1; r += 1) {
    for (let c = 0; c < size - 1; c += 1) if (new Set([grid[r][c], grid[r + 1][c], grid[r][c + 1], grid[r + 1][c + 1]]).size === 1) sum += 3;
  }
  const dark = lines.slice(0, size).join('').replaceAll('0', '').length / (size * size);
  return sum + 10 * Math.floor(Math.abs(dark * 100 - 50) / 5);
}

// Rows of 0 and 1, or null for a text that is too long
export function modules(words) {
  const bytes = new TextEncoder().encode(words);
  const version = 1 + BLOCKS.findIndex(([, groups], at) => groups.reduce((sum, [many, size]) => sum + many * size, 0) - (at < 9 ? 2 : 3) >= bytes.length);
  if (!version) return null;
  const data = codeWords(bytes, version);
  const made = MASKS.map((_mask, number) => {
    const grid = frame(version);
    information(grid, version, number);
    fillIn(grid, data, number);
    return grid;
  });
  return made.reduce((best, one) => (penalty(one) < penalty(best) ? one : best));
}

export function qrcode(words, title) {
  const grid = modules(words);
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  if (!grid) return svg;
  const size = grid.length + 8;
  svg.setAttribute('viewBox', `0 0 ${size} ${size}`);
  svg.setAttribute('role', 'img');
  svg.setAttribute('aria-label', title);
  const path = document.createElementNS('http://www.w3.org/2000/svg', 'path');
  path.setAttribute('d', grid.flatMap((row, r) => row.map((dark, c) => (dark ? `M${c + 4} ${r + 4}h1v1h-1z` : ''))).join(''));
  svg.append(path);
  return svg;
}
