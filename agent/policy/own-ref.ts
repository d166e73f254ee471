import { z } from 'zod';

/** Where the agent finds what it needs for itself. */
export const OwnRef = z
	.string()
	.regex(/^(env:[A-Za-z_][A-Za-z0-9_]{0,63}|file:\/[^\0\n]{1,400})$/, 'expected env:NAME or file:/path of this agent');
