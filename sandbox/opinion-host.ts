import { connectSupervisor } from './inside.js';
import { OpinionModel } from './opinion-model.js';

/** The process of a second opinion: `load_opinion` once, then one text at a time. */

let model: OpinionModel | undefined;

const supervisor = connectSupervisor((message) => {
  if (message.type === 'judge') void judge(message.text);
  else if (message.type !== 'load_opinion') throw new Error(`a second opinion does not take ${message.type}`);
  else
    void OpinionModel.load(message).then((loaded) => {
      if ('fault' in loaded) return supervisor.send({ type: 'no_opinion', fault: loaded.fault });
      model = loaded;
      return supervisor.send({ type: 'loaded', contextTokens: message.tokensMax });
    });
});

async function judge(text: string): Promise<void> {
  if (model === undefined) throw new Error('a second opinion is loaded before it is asked');
  await supervisor.send({ type: 'judged', probability: await model.judge(text) });
}

await supervisor.send({ type: 'ready' });
