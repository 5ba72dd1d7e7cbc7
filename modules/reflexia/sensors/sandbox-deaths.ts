import type { SandboxStatus } from '../../../runtime/contracts/sandbox.js';
import type { Sensor } from './sensor.js';
import { since } from './since.js';

/** Workers that were killed or crashed since the last reading. */
export function sandboxDeathsSensor(status: () => Pick<SandboxStatus, 'killed'>): Sensor<'sandbox_deaths'> {
  const deaths = () => Object.values(status().killed).reduce((sum, count) => sum + count, 0);
  return { name: 'sandbox_deaths', read: since(deaths) };
}
