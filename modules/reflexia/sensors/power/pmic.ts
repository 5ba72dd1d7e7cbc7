import { firmware } from '../firmware.js';
import type { Machine } from '../sensor.js';
import type { PowerSource } from './source.js';

/**
 * Watts from `vcgencmd pmic_read_adc` of a Raspberry Pi 5: the current of each output of the power chip times its voltage. The two are lines
 * of their own, paired by name (`VDD_CORE_A current(7)=0.75012000A`, `VDD_CORE_V volt(15)=0.89745940V`); the numbers in brackets pair
 * nothing. Inputs (EXT5V, BATT) have a voltage only and are left out. USB devices, fan and GPIO are fed past the chip, so it is less
 * than a meter at the plug shows. Undefined when no output has both.
 */
export function parsePmic(output: string): number | undefined {
  const volts = new Map<string, number>();
  const amperes = new Map<string, number>();
  for (const [, name, , value, unit] of output.matchAll(
    /^\s*(\w+)_[AV] (current|volt)\(\d+\)=(\d+\.\d+)([AV])$/gm,
  )) {
    (unit === 'A' ? amperes : volts).set(name!, Number(value));
  }
  let watts: number | undefined;
  for (const [name, ampere] of amperes) {
    const volt = volts.get(name);
    if (volt !== undefined) watts = (watts ?? 0) + ampere * volt;
  }
  return watts;
}

/** A Pi 4 has the program but not the chip: `error=1 error_msg="Command not registered"`, on standard output. */
function isUnknownCommand(error: unknown): boolean {
  return (
    error instanceof Error && 'stdout' in error && String(error.stdout).includes('Command not registered')
  );
}

export function pmicSource(machine: Machine): PowerSource {
  const ask = firmware(machine, ['pmic_read_adc']);
  return {
    name: 'pmic',
    async read(signal) {
      try {
        const output = await ask(signal);
        return output === undefined ? undefined : parsePmic(output);
      } catch (error) {
        if (isUnknownCommand(error)) return undefined;
        throw error;
      }
    },
  };
}
