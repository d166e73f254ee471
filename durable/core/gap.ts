import { z } from 'zod';
import type { Gap } from '#protocol/run-frames.ts';

const GapPayload = z.strictObject({ dropped: z.int().min(1), reason: z.enum(['spool_full', 'spool_lost']) });

/** What a gap frame says; null where it is not what a gap says. */
export function parseGap(payload: Uint8Array): Gap | null {
	if (payload.length > 200) return null;
	try {
		return GapPayload.parse(JSON.parse(new TextDecoder().decode(payload)));
	} catch {
		return null;
	}
}
