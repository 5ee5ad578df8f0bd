// Delivers the parts of a message to their channels. A message with ticks also takes the tree's own ticks to Python: what
// draws this message is what a tick draws again.

import { channelOf, deliver } from "./channel.js";
import { mounted } from "./mount.js";

// Call when the channel's component is there and a frame has shown it.
function whenShown(channel, then) {
  requestAnimationFrame(() => (channel.receive ? setTimeout(then) : whenShown(channel, then)));
}

export default mounted(({ data, setStateValue }) => {
  for (const part of data?.parts ?? []) {
    if (part.part === "ticks") {
      const channel = channelOf(part.channel);
      Object.assign(channel, { question: data.question, send: (ticks) => setStateValue("ticks", ticks) });
      if (data.goes_on) whenShown(channel, () => setStateValue("shown", part.tree));
      const { sent } = channel;
      if (sent?.tree === part.tree && sent.sequence > part.sequence) return; // they have changed since
    }
    deliver(part);
  }
});
