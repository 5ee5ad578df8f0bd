// Telling of ticks: first a plain request, whose answer is on the screen at once, then Python, which draws the rest.

const LONGEST_MS = 400; // then the drawing answers alone

export async function tell(channel, ticks) {
  channel.told = ticks;
  for (const part of await answers(channel.ask, ticks)) {
    if (channel.told !== ticks) return; // newer ones are on their way
    const other = globalThis.channels.get(part.channel);
    if (other) other.parts[part.part] = part;
    other?.hear?.(part);
  }
  if (channel.told === ticks) channel.tell?.(ticks);
}

let unanswered = false; // a server of the page alone has no such place

async function answers(ask, ticks) {
  if (!ask || unanswered) return [];
  const body = JSON.stringify({ ...ask.about, ...ticks });
  const headers = { "Content-Type": "application/json" };
  try {
    const response = await fetch(ask.path, { method: "POST", headers, body, signal: AbortSignal.timeout(LONGEST_MS) });
    unanswered = response.status === 404;
    return response.status === 200 ? await response.json() : [];
  } catch {
    return []; // too late, or no connection: of that the page itself tells
  }
}
