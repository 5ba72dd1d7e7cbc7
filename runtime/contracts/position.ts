import { z } from 'zod';

/** A position of the log in a query. */
export const position = z
  .string()
  .regex(/^\d{1,15}$/, 'must be a whole number from 0')
  .transform(Number);
