// Ticks as a short text, as app/components/tree/bits.py writes and reads them.

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

export function encodeBits(trains) {
  const bytes = new Uint8Array((trains.length + 7) >> 3);
  for (let i = 0; i < trains.length; i++) if (trains[i]) bytes[i >> 3] |= 1 << (i & 7);
  let text = "";
  for (let i = 0; i < bytes.length; i += 3) {
    const three = (bytes[i] << 16) | ((bytes[i + 1] || 0) << 8) | (bytes[i + 2] || 0);
    text += ALPHABET[three >> 18] + ALPHABET[(three >> 12) & 63] + ALPHABET[(three >> 6) & 63] + ALPHABET[three & 63];
  }
  return text.slice(0, Math.ceil((bytes.length * 4) / 3));
}

export function decodeBits(text, count) {
  const trains = new Uint8Array(count);
  for (let i = 0; i < count; i++) {
    const at = (i >> 3) * 8 + (7 - (i & 7)); // bit of the stream, highest first
    const six = ALPHABET.indexOf(text[(at / 6) | 0]);
    trains[i] = (six >> (5 - (at % 6))) & 1;
  }
  return trains;
}
