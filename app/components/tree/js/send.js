// Sending ticks: first a plain request, whose answer is on the screen at once, then Python, which draws the rest. What
// the page does as it begins to draw would hold the answer back, so that it waits for the frame that shows it.

import { channelOf, deliver } from "../../js/channel.js";

const LONGEST_MS = 400; // then the drawing answers alone
const FRAME_MS = 60; // a window out of sight paints no frames

export async function sendTicks(name, ticks) {
  const channel = channelOf(name);
  channel.sent = ticks;
  const parts = await quickAnswer(channel.question, ticks);
  if (channel.sent !== ticks) return; // newer ones are on their way
  parts.forEach(deliver);
  if (parts.length) await painted();
  if (channel.sent === ticks) channel.send?.(ticks);
}

function painted() {
  return new Promise((done) => {
    requestAnimationFrame(() => setTimeout(done));
    setTimeout(done, FRAME_MS);
  });
}

let noRoute = false; // a server of the page alone has none

async function quickAnswer(question, ticks) {
  if (!question || noRoute) return [];
  if (typeof question === "function") return question(ticks); // a page without a server asks its own worker
  const body = JSON.stringify({ ...question.about, ...ticks });
  const headers = { "Content-Type": "application/json" };
  try {
    const signal = AbortSignal.timeout(LONGEST_MS);
    const response = await fetch(question.path, { method: "POST", headers, body, signal });
    noRoute = response.status === 404;
    return response.status === 200 ? await response.json() : [];
  } catch {
    return []; // too late, or no connection: the page itself says so
  }
}
