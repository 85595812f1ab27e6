import { z } from 'zod';

/** A whole number in a query, within bounds; the default when it is left out. */
export function integerParameter(facts: { min: number; max: number; default: number; description: string }) {
  const message = `must be a whole number from ${facts.min} to ${facts.max}`;
  return z
    .string()
    .regex(/^\d{1,15}$/, message)
    .transform(Number)
    .refine((value) => value >= facts.min && value <= facts.max, message)
    .default(facts.default)
    .meta({
      type: 'integer',
      minimum: facts.min,
      maximum: facts.max,
      default: facts.default,
      description: facts.description,
    });
}

export const noParameters = z.strictObject({});
