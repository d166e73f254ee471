import { z } from 'zod';
import { Time } from './common.ts';

/** A person's secret address for calendars and readers; it shows what they may see, and lets nobody change anything. */
export const Feed = z.object({ created_at: Time, last_used_at: Time.nullable() });
export const FeedState = z.object({ feed: Feed.nullable() });
export type FeedState = z.infer<typeof FeedState>;

/** The addresses, for the one time that they are shown. */
export const FeedMade = z.object({ calendar_url: z.string(), incidents_url: z.string(), created_at: Time });
export type FeedMade = z.infer<typeof FeedMade>;
