import { z } from 'zod';

export const milliseconds = (fallback: number, min = 1, max = 86_400_000) =>
  z.number().int().min(min).max(max).default(fallback);

export const count = (fallback: number, min: number, max: number) =>
  z.number().int().min(min).max(max).default(fallback);

export const bytes = (fallback: number, min: number, max: number) =>
  z.number().int().min(min).max(max).default(fallback);

export const ratio = (fallback: number) => z.number().min(0).max(1).default(fallback);

export const section = <T extends z.ZodRawShape>(shape: T) => z.strictObject(shape).prefault({} as never);
