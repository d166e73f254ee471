import { z } from 'zod';
import { Id } from './common.ts';

/** How many of one's notifications are unread. */
export const Unread = z.object({ unread: z.int().min(0) });

/** Of a list of them, the latest first: that number, and which they are. */
export const UnreadOf = z.object({ ...Unread.shape, items: z.array(z.object({ id: Id })) });
