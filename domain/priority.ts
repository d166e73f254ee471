import { z } from 'zod';

export const Priority = z.enum(['low', 'normal', 'high', 'critical']);
export type Priority = z.infer<typeof Priority>;

/** 0 for `low` to 3 for `critical`: what the queue sorts by. */
export const priorityRank = (p: Priority): number => Priority.options.indexOf(p);
