// Hands small messages to a large component of the same channel, whichever of the two the browser drew first.

export default function ({ data }) {
  if (!data) return;
  const channels = (globalThis.channels ??= new Map());
  const channel = channels.get(data.channel) ?? { parts: {}, hear: null };
  channels.set(data.channel, channel);
  channel.parts[data.part] = data;
  channel.hear?.(data);
}
