// Hands small messages to large components, each on its channel, whichever of the two the browser drew first.
// A part with ticks also takes the tree's own ticks to Python: what draws this message is what a tick draws again.

export default function ({ data, setStateValue }) {
  const channels = (globalThis.channels ??= new Map());
  for (const part of data?.parts ?? []) {
    const channel = channels.get(part.channel) ?? { parts: {}, hear: null };
    channels.set(part.channel, channel);
    if (part.part === "ticks") {
      Object.assign(channel, { ask: data.ask, tell: (ticks) => setStateValue("ticks", ticks) });
      if (channel.told?.tree === part.tree && channel.told.sequence > part.sequence) return; // they have changed since
    }
    channel.parts[part.part] = part;
    channel.hear?.(part);
  }
}
