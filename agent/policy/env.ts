import { z } from 'zod';
import { EnvName } from '#domain/common.ts';

/** A variable's name, or the beginning of one and a star: `APP_*`. */
export const EnvPattern = EnvName.or(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,62}\*$/, 'expected NAME or PREFIX*'));
export const matches = (name: string, pattern: string): boolean =>
	pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : name === pattern;
