import { z } from 'zod';

export const EventType = z.enum(['job', 'meeting', 'maintenance', 'incident', 'other']);
export type EventType = z.infer<typeof EventType>;
