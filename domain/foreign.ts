import { z } from 'zod';
import { Name, unsafeInName } from './common.ts';

// What other programs say of themselves: what is not as it should be is left out.

export const text = z.string().nullish().catch(null);

const unsafe = new RegExp(`${unsafeInName.source}+`, 'gu');

/** The first line, as a name may be; null where nothing is left. */
export function nameOf(from: string | null | undefined, max: number): string | null {
	const line = (from ?? '').split(/\r?\n/, 1)[0] ?? '';
	return Name(max).safeParse([...line.replace(unsafe, ' ').trim()].slice(0, max / 2).join('')).data ?? null;
}
export const orNull = <S extends z.ZodType>(schema: S, value: unknown): z.output<S> | null =>
	schema.safeParse(value).data ?? null;

/** A moment, where it is one; GitLab writes some as `2026-11-22 16:13:46 UTC`. */
export function timeOf(value: string | null | undefined): string | null {
	const ms = Date.parse((value ?? '').replace(/^(\S+) (\S+) UTC$/, '$1T$2Z'));
	return Number.isFinite(ms) && ms > 0 && ms < 253_402_300_800_000 ? new Date(ms).toISOString() : null;
}
