import { errorCode, listIfThere, type Machine, readIfThere, type Sensor } from './sensor.js';

const THERMAL = '/sys/class/thermal';
const HWMON = '/sys/class/hwmon';
const ZONES_MAX = 64;

/** Kinds of thermal zone that measure the processor: cpu-thermal (Pi), soc-thermal, x86_pkg_temp, cpu0-thermal, bigcore0-thermal… */
const PROCESSOR_ZONE = /cpu|soc|pkg|core/i;
/** Hardware monitors that do, where there is no such zone: Intel, AMD, the Pi. */
const PROCESSOR_MONITOR = /^(coretemp|k10temp|zenpower|cpu_thermal)$/;

/** Thousandths of a degree Celsius; undefined for what cannot be a temperature, which some drivers give for "unknown". */
export function parseMillidegrees(text: string): number | undefined {
  const trimmed = text.trim();
  if (!/^-?\d{1,7}$/.test(trimmed)) return undefined;
  const celsius = Number(trimmed) / 1000;
  return celsius > -60 && celsius < 150 && celsius !== 0 ? Math.round(celsius * 10) / 10 : undefined;
}

/** Reads one value; a zone that is switched off answers with an error of its own, and that is no reading. */
async function readValue(machine: Machine, path: string, signal: AbortSignal): Promise<number | undefined> {
  try {
    return parseMillidegrees(await machine.readText(path, signal));
  } catch (error) {
    if (['ENOENT', 'ENODATA', 'EINVAL', 'EAGAIN', 'EIO'].includes(errorCode(error) ?? '')) return undefined;
    throw error;
  }
}

async function zones(machine: Machine, signal: AbortSignal): Promise<(number | undefined)[]> {
  const names = (await listIfThere(machine, THERMAL)).filter((name) => name.startsWith('thermal_zone'));
  return Promise.all(
    names.slice(0, ZONES_MAX).map(async (name) => {
      const type = await readIfThere(machine, `${THERMAL}/${name}/type`, signal);
      if (type === undefined || !PROCESSOR_ZONE.test(type)) return undefined;
      return readValue(machine, `${THERMAL}/${name}/temp`, signal);
    }),
  );
}

async function monitors(machine: Machine, signal: AbortSignal): Promise<(number | undefined)[]> {
  const folders = (await listIfThere(machine, HWMON)).slice(0, ZONES_MAX).map((name) => `${HWMON}/${name}`);
  const found = await Promise.all(
    folders.map(async (folder) => {
      const name = await readIfThere(machine, `${folder}/name`, signal);
      if (name === undefined || !PROCESSOR_MONITOR.test(name.trim())) return [];
      const inputs = (await machine.list(folder)).filter((file) => /^temp\d+_input$/.test(file));
      return Promise.all(
        inputs.slice(0, ZONES_MAX).map((file) => readValue(machine, `${folder}/${file}`, signal)),
      );
    }),
  );
  return found.flat();
}

const hottest = (values: (number | undefined)[]): number | undefined => {
  const known = values.filter((value) => value !== undefined);
  return known.length === 0 ? undefined : Math.max(...known);
};

/**
 * Temperature of the processor, in degrees Celsius: the hottest of its thermal zones, else of its hardware monitors. Zones that
 * measure something else (battery, wireless, case) are not taken for it. macOS tells it to root only.
 */
export function temperatureSensor(machine: Machine): Sensor<'temperature_c'> {
  return {
    name: 'temperature_c',
    async read(signal) {
      if (machine.platform !== 'linux') return undefined;
      return hottest(await zones(machine, signal)) ?? hottest(await monitors(machine, signal));
    },
  };
}
