import { listIfThere, type Machine, readIfThere, type Sensor } from './sensor.js';

const NET = '/sys/class/net';
const LINKS_MAX = 64;
/** Inside the machine: they have a link without a cable. */
const VIRTUAL = /^(lo|docker|veth|br-|virbr|tun|tap|wg|ifb|dummy|cni|flannel|podman)/;

/**
 * Whether some network interface has a link. `operstate` is up, down, dormant, or `unknown` for drivers that do not tell (Linux
 * documentation, networking/operstates): those count when `carrier` is 1.
 */
export function networkSensor(machine: Machine): Sensor<'network_up'> {
  return {
    name: 'network_up',
    everyMs: 10_000,
    async read(signal) {
      if (machine.platform === 'darwin') {
        return / status: active/.test(
          ` ${await machine.run('/sbin/ifconfig', [], signal)}`.replace(/\s+/g, ' '),
        );
      }
      if (machine.platform !== 'linux') return undefined;
      const names = (await listIfThere(machine, NET)).filter((name) => !VIRTUAL.test(name));
      if (names.length === 0) return undefined;
      for (const name of names.slice(0, LINKS_MAX)) {
        const state = (await readIfThere(machine, `${NET}/${name}/operstate`, signal))?.trim();
        if (state === 'up') return true;
        if (state !== 'unknown') continue;
        const carrier = await readIfThere(machine, `${NET}/${name}/carrier`, signal);
        if (carrier?.trim() === '1') return true;
      }
      return false;
    },
  };
}
