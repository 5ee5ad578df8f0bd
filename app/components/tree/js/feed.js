// Hands ticks, prices and marks to the tree of the same channel, whichever of the two the browser drew first.

export default function ({ data }) {
  if (!data) return;
  const room = (globalThis.layerTrees ??= new Map());
  const channel = room.get(data.channel) ?? { parts: {}, hear: null };
  room.set(data.channel, channel);
  channel.parts[data.part] = data;
  channel.hear?.(data);
}
