import { Gauge, type Registry } from 'prom-client';
import type { DeviceSample } from '../../runtime/contracts/device.js';
import { figureNames, figures } from './figures.js';

/** Publishes the last sample: a gauge a figure, read at the scrape. A figure that this device does not tell has no value. */
export function publishSample(registry: Registry, last: () => DeviceSample | undefined): void {
  const gauge = (
    name: string,
    help: string,
    labelNames: string[],
    collect: (gauge: Gauge, sample: DeviceSample) => void,
  ) => {
    new Gauge({
      name: `arkalia_device_${name}`,
      help,
      labelNames,
      registers: [registry],
      collect() {
        this.reset();
        // Without labels prom-client begins with 0, which would be a reading.
        if (labelNames.length === 0) this.remove();
        const sample = last();
        if (sample !== undefined) collect(this, sample);
      },
    });
  };
  for (const name of figureNames) {
    const { metric, about, scale } = figures[name];
    gauge(metric, about, [], (it, sample) => {
      const value = sample[name];
      if (value !== undefined) it.set(Number(value) * scale);
    });
  }
  gauge('core_ratio', 'Share of each core since the sample before', ['core'], (it, { cpu_cores }) => {
    for (const [core, percent] of (cpu_cores ?? []).entries()) it.set({ core }, percent / 100);
  });
  gauge(
    'power_watts',
    'Power, and where it is known from; model: an estimate',
    ['source'],
    (it, { power }) => {
      if (power !== undefined) it.set({ source: power.source }, power.watts);
    },
  );
  const energy = (name: string, help: string, field: keyof NonNullable<DeviceSample['energy']>) =>
    gauge(name, help, [], (it, sample) => {
      const value = sample.energy?.[field];
      if (value !== undefined) it.set(value);
    });
  energy('energy_joules_total', 'Energy since the start', 'joules');
  energy('prompt_energy_joules_total', 'Energy since the start while a prompt ran', 'prompt_joules');
  energy(
    'joules_per_request',
    'Energy while prompts ran, divided by the prompts answered',
    'joules_per_request',
  );
  energy('joules_per_token', 'Energy while prompts ran, divided by the tokens answered', 'joules_per_token');
}
