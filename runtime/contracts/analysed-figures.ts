/** What analytics watch; beside their schemas, so that the thread that analyses loads none. */
export const analysedFigures = [
  'failure_rate',
  'refusals',
  'system_errors',
  'contradictions',
  'emergencies',
] as const;
export type AnalysedFigure = (typeof analysedFigures)[number];
