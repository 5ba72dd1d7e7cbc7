import type { Fixup } from '../check.js';

/** For what mends itself and only takes its time: the check that runs afterwards says whether it has. */
export class Wait implements Fixup {
  readonly name = 'wait';

  async apply(): Promise<void> {}
}
