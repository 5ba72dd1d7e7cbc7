import type { ModuleContext } from '../../../runtime/contracts/module.js';

/** Figures of the last sample that the summary holds, where there are any. */
const figures = ['cpu', 'ram', 'disk', 'temperature_c'] as const;

/** How this device is, in few words: what code of a model and MCP clients are given. GET /status says all. */
export function statusSummary(context: ModuleContext): Record<string, unknown> {
  const status = context.status();
  const sample = status.modules.reflexia?.facts ?? {};
  const device = Object.fromEntries(
    figures.flatMap((name) => (typeof sample[name] === 'number' ? [[name, sample[name]]] : [])),
  );
  return {
    name: status.name,
    version: status.version,
    ready: status.ready,
    uptime_ms: status.uptime_ms,
    level: status.level,
    shed: status.shed,
    device,
    engines: status.engines.map(({ name, state, models }) => ({ name, state, models })),
    ledger: { state: status.ledger.state, size: status.ledger.size },
    sandbox: status.sandbox.level,
    incidents: status.incidents.length,
  };
}
