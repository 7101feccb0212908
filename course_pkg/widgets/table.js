// The table of a static figure: one slot for each of its arrays. tables.py packs it and says in which forms.

const GAPS = { u8: 255, u16: 65535 }; // "no value" among the whole numbers
const KINDS = { u8: Uint8Array, u16: Uint16Array, f32: Float32Array, f64: Float64Array };

// The numbers in a base64 string.
function numbersIn(text, Kind) {
  return new Kind(Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer);
}

// All numbers of a slot, over the whole grid of the controls.
export function unpack(slot) {
  const stored = numbersIn(slot.data, KINDS[slot.type]);
  const gap = GAPS[slot.type];
  if (gap === undefined) return stored;
  const number = (code) => (slot.log ? 10 ** (slot.low + code * slot.step) : slot.low + code * slot.step);
  const values = Float64Array.from(stored, (code) => (code === gap ? NaN : number(code)));
  if (slot.fix) {
    const to = numbersIn(slot.fix.to, Float32Array);
    numbersIn(slot.fix.at, Uint32Array).forEach((place, k) => {
      values[place] = to[k];
    });
  }
  return values;
}

// Gives a slot's numbers for a position of the controls, {name: place in its values}.
export function reader(slot, controls) {
  const size = slot.shape.at(-1);
  const values = unpack(slot);
  return (position) => {
    const row = controls.reduce((k, c, axis) => {
      const along = slot.shape[axis];
      return k * along + (along > 1 ? position[c.name] : 0);
    }, 0);
    return values.subarray(row * size, (row + 1) * size);
  };
}
