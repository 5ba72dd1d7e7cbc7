import { writeFileAtomicSync } from '../../runtime/data-folder/write-file-atomic.js';
import type { Device } from './device.js';

/** Writes a real file as the appliance does, whole or not at all and synchronised, unless the modelled card is full. */
export function cardWriter(device: Pick<Device, 'isDiskFull'>) {
  return async (path: string, text: string | Uint8Array): Promise<void> => {
    if (device.isDiskFull()) throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
    writeFileAtomicSync(path, String(text));
  };
}
