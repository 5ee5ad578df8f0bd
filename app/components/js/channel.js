// Channels: small messages to large components of the page, whichever of the two the browser draws first.

export function channelOf(name) {
  const channels = (globalThis.channels ??= new Map());
  if (!channels.has(name)) channels.set(name, { parts: {}, receive: null });
  return channels.get(name);
}

// Keep a part for whoever listens later, and hand it to whoever listens now.
export function deliver(part) {
  const channel = channelOf(part.channel);
  channel.parts[part.part] = part;
  channel.receive?.(part);
}

// Receive the parts of a channel, those that came before first; returns what ends it, unless another listens by then.
export function listen(name, receive) {
  const channel = channelOf(name);
  channel.receive = receive;
  for (const part of Object.values(channel.parts)) receive(part);
  return () => {
    if (channel.receive === receive) channel.receive = null;
  };
}
