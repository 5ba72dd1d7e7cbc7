import type { ArkaliaModule } from '../../runtime/contracts/module.js';

/** A third party's module that has failed until it is started for the nth time; unset: for ever. */
export default (): ArkaliaModule => {
  const wellFrom = Number(process.env.AILING_WELL_FROM ?? Number.POSITIVE_INFINITY);
  let started = 0;
  return {
    name: 'ailing',
    version: '1.0.0',
    priority: 'optional',
    provision() {},
    validate() {},
    start() {
      started += 1;
    },
    stop() {},
    health: () => (started >= wellFrom ? { state: 'ok' } : { state: 'failed', problem: 'It coughs.' }),
  };
};
