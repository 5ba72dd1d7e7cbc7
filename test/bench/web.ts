import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { Browser, CDPSession } from 'playwright-core';
import { TestAppliance } from '../support/appliance.js';
import { desktop, launch, openPage, phone } from '../web/browser.js';
import { LiveSocketClient } from '../web/live-socket.js';
import { processesBelow } from './processes.js';
import { cpuSeconds } from './server-figures.js';

const { values: flags } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    pages: { type: 'string', default: '50' },
    loads: { type: 'string', default: '5' },
    json: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});
if (flags.help) {
  console.log(
    `npm run bench:web -- [--minutes 10] [--pages 50] [--loads 5] [--json FILE]
The page in Chromium against a real server: bytes of the first page, time until it can be used with the processor throttled six-fold, memory and
processor time of a device page that is left open, and what open pages cost the server. Each figure stands beside its budget; beyond one it ends with 1.`,
  );
  process.exit(0);
}

function within(name: 'minutes' | 'pages' | 'loads', min: number, max: number): number {
  const value = Number(flags[name]);
  if (value >= min && value <= max) return value;
  console.error(`--${name} must be ${min} to ${max}, not ${flags[name]}`);
  process.exit(1);
}
const minutes = within('minutes', 0.5, 120);
const pages = Math.round(within('pages', 1, 60));
const loads = Math.round(within('loads', 1, 50));

const throttling = 6;
const updatesASecond = 5;
/** How long the cost of open pages, and of none, is taken. */
const costMs = 20_000;
const rows: { figure: string; value: number; unit: string; budget: number; 'of the budget': number }[] = [];
const say = (figure: string, value: number, unit: string, budget: number) =>
  rows.push({
    figure,
    value: Number(value.toFixed(2)),
    unit,
    budget,
    'of the budget': Number((value / budget).toFixed(2)),
  });

/** Kilobytes of scripts and styles as they came over the wire, headers included. */
async function firstPageKilobytes(browser: Browser, url: string): Promise<number> {
  const { page, context } = await openPage(browser, 'about:blank', { viewport: phone });
  const devtools = await context.newCDPSession(page);
  const counted = new Set<string>();
  let bytes = 0;
  devtools.on('Network.responseReceived', ({ requestId, type }) => {
    if (type === 'Script' || type === 'Stylesheet') counted.add(requestId);
  });
  devtools.on('Network.loadingFinished', ({ requestId, encodedDataLength }) => {
    if (counted.has(requestId)) bytes += encodedDataLength;
  });
  await devtools.send('Network.enable');
  await page.goto(url, { waitUntil: 'networkidle' });
  await context.close();
  if (counted.size === 0) throw new Error('the page loaded neither scripts nor styles');
  return bytes / 1000;
}

/**
 * Milliseconds from the navigation until the question can be typed and no long task (50 ms or more) runs any more, without a cache, with the
 * processor throttled.
 */
async function interactiveMs(browser: Browser, url: string): Promise<number> {
  const { page, context } = await openPage(browser, 'about:blank', { viewport: phone });
  const devtools = await context.newCDPSession(page);
  await devtools.send('Emulation.setCPUThrottlingRate', { rate: throttling });
  await page.addInitScript(`
    globalThis.benchUsableMs = 0;
    globalThis.benchBusyMs = 0;
    new PerformanceObserver((list) => {
      for (const { startTime, duration } of list.getEntries()) benchBusyMs = startTime + duration;
    }).observe({ type: 'longtask', buffered: true });
    const look = () => {
      const field = document.querySelector('#question');
      if (field === null || field.disabled) requestAnimationFrame(look);
      else benchUsableMs = performance.now();
    };
    look();
  `);
  await page.goto(url, { waitUntil: 'networkidle' });
  await page.waitForFunction('benchUsableMs > 0');
  const ms = (await page.evaluate('Math.max(benchUsableMs, benchBusyMs)')) as number;
  await context.close();
  return ms;
}

async function heapMegabytes(devtools: CDPSession): Promise<number> {
  await devtools.send('HeapProfiler.collectGarbage');
  const { usedSize } = await devtools.send('Runtime.getHeapUsage');
  return usedSize / 1e6;
}

const secondsOf = (pids: readonly number[]) => pids.reduce((sum, pid) => sum + (cpuSeconds(pid) ?? 0), 0);

/** A device page that is left open: what it grows by, what its browser takes, and what it said when it opened its socket. */
async function leaveOpen(
  browser: Browser,
  appliance: TestAppliance,
): Promise<{ said: string[]; heard: number }> {
  const { page, context, wrong } = await openPage(browser, 'about:blank', { viewport: desktop });
  const devtools = await context.newCDPSession(page);
  const said: string[] = [];
  let heard = 0;
  devtools.on('Network.webSocketFrameSent', ({ response }) => said.push(response.payloadData));
  devtools.on('Network.webSocketFrameReceived', () => {
    heard += 1;
  });
  await devtools.send('Network.enable');
  await page.goto(`${appliance.url}/#/device`);
  await page.locator('[data-figure=cpu] canvas').waitFor();
  // Its plots hold a few minutes; until then they fill.
  const warmMs = Math.min(120_000, (minutes * 60_000) / 4);
  await sleep(warmMs);
  const opened = [...said];
  const before = await heapMegabytes(devtools);
  heard = 0;
  const from = performance.now();
  const used = secondsOf(processesBelow(process.pid, [appliance.process.pid!]));
  while (performance.now() - from < minutes * 60_000) {
    await sleep(Math.min(30_000, minutes * 60_000 - (performance.now() - from)));
    const minute = ((performance.now() - from) / 60_000).toFixed(1);
    console.log(`device page: ${minute} of ${minutes} minutes, ${heard} updates`);
  }
  const seconds = (performance.now() - from) / 1000;
  const busy = secondsOf(processesBelow(process.pid, [appliance.process.pid!])) - used;
  const after = await heapMegabytes(devtools);
  await context.close();
  if (wrong.length > 0) throw new Error(`the page said: ${wrong.join('; ')}`);
  const share = (100 * busy) / seconds;
  say('device page: growth of its heap', Math.max(0, after - before), 'MB', 2);
  say('device page: the whole browser', share, '% of a core', 5);
  console.log(
    `heap ${before.toFixed(2)} MB, then ${after.toFixed(2)} MB; ${(heard / seconds).toFixed(1)} frames a second`,
  );
  return { said: opened, heard: heard / seconds };
}

/** Share of a core, in percent, that the server takes. */
async function serverShare(appliance: TestAppliance): Promise<number> {
  const from = performance.now();
  const used = cpuSeconds(appliance.process.pid!) ?? 0;
  await sleep(costMs);
  return (100 * ((cpuSeconds(appliance.process.pid!) ?? 0) - used)) / ((performance.now() - from) / 1000);
}

async function openPagesCost(appliance: TestAppliance, said: readonly string[]): Promise<void> {
  const alone = await serverShare(appliance);
  const sockets = Array.from({ length: pages }, () => new LiveSocketClient(appliance));
  for (const socket of sockets) {
    await socket.open();
    for (const message of said) socket.send(message);
  }
  const shared = await serverShare(appliance);
  const heard = sockets.map((socket) => socket.said.length);
  for (const { socket } of sockets) socket.terminate();
  console.log(
    `server: ${alone.toFixed(1)} % of a core without pages, ${shared.toFixed(1)} % with ${pages}; each was told ${Math.min(...heard)} to ${Math.max(...heard)} things`,
  );
  say(`${pages} open pages: the server, beyond none`, Math.max(0, shared - alone), '% of a core', 10);
}

if (cpuSeconds(process.pid) === null) {
  console.error('bench:web reads processor times from /proc, which this system does not have.');
  process.exit(1);
}
const appliance = await TestAppliance.start({
  env: { ARKALIA_REFLEXIA_INTERVAL_MS: String(1000 / updatesASecond), ARKALIA_ZEROIA_ACT: 'false' },
});
const browser = await launch();
try {
  console.log(
    `Node ${process.version}, ${cpus().length} × ${cpus()[0]?.model}; Chromium ${browser.version()}, headless; ${updatesASecond} samples a second`,
  );
  say('scripts and styles of the first page', await firstPageKilobytes(browser, appliance.url), 'KB', 150);
  const times: number[] = [];
  for (let load = 0; load < loads; load += 1) times.push(await interactiveMs(browser, appliance.url));
  times.sort((a, b) => a - b);
  say(`usable, processor ${throttling} times slower: median`, times[Math.floor(loads / 2)]!, 'ms', 1500);
  say(`usable, processor ${throttling} times slower: longest`, times.at(-1)!, 'ms', 1500);
  const { said, heard } = await leaveOpen(browser, appliance);
  if (heard < updatesASecond * 0.9)
    throw new Error(`the page was told only ${heard.toFixed(1)} things a second`);
  await openPagesCost(appliance, said);
} finally {
  await browser.close();
  await appliance.close();
}
console.table(rows);
if (flags.json !== undefined) writeFileSync(flags.json, `${JSON.stringify(rows, null, 2)}\n`);
const beyond = rows.filter(({ value, budget }) => value > budget);
if (beyond.length > 0) {
  console.error(`beyond the budget: ${beyond.map(({ figure }) => figure).join('; ')}`);
  process.exitCode = 1;
}
