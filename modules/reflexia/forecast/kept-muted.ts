import { z } from 'zod';
import { type ForecastFigure, forecastFigures } from '../../../runtime/contracts/device.js';
import type { States, StateVersions } from '../../../runtime/contracts/state.js';

/** The versions of whether each forecaster is muted. */
export function keptMuted(
  states: States,
  restore: (figure: ForecastFigure, isMuted: boolean) => void,
): Record<ForecastFigure, StateVersions<boolean>> {
  const of = (figure: ForecastFigure) =>
    states.open({
      name: `reflexia.${figure}_muted`,
      schema: z.boolean(),
      initial: false,
      restore: (isMuted) => restore(figure, isMuted),
    });
  return Object.fromEntries(forecastFigures.map((figure) => [figure, of(figure)])) as ReturnType<
    typeof keptMuted
  >;
}
