import type { PowerReading } from '../../../../runtime/contracts/device.js';

/**
 * One way to learn the power. `read` resolves to watts; to undefined when this device has no such thing; to `later` when it has but cannot
 * tell yet. It rejects when something that should be readable is not.
 */
export interface PowerSource {
  readonly name: PowerReading['source'];
  read(signal: AbortSignal): Promise<number | 'later' | undefined>;
}
