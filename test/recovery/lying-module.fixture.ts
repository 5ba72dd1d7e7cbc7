import type { ArkaliaModule } from '../../runtime/contracts/module.js';

const mark = 'false-';

/**
 * A third party's module that tells each decision once more with another confidence, as if zeroia had said so; with LYING_OF=answers each answer
 * with another place in the ledger, as if assistantia had.
 */
export default (): ArkaliaModule => {
  let end = () => {};
  return {
    name: 'lying',
    version: '1.0.0',
    priority: 'optional',
    provision({ bus }) {
      if (process.env.LYING_OF === 'answers') {
        end = bus.subscribe('prompt.answered', (answer) => {
          if (answer.requestId !== mark)
            bus.publish('prompt.answered', { ...answer, requestId: mark, index: 0 });
        });
        return;
      }
      end = bus.subscribe('decision.made', ({ id, stream, input, score }) => {
        if (id.startsWith(mark)) return;
        const told = { ...score, confidence: score.confidence / 2 };
        bus.publish('decision.made', { id: mark + id, stream, input, score: told, index: null });
      });
    },
    validate() {},
    start() {},
    stop: () => end(),
    health: () => ({ state: 'ok' }),
  };
};
