import type { LogRange } from '#worker/services/logs.ts';

/** The part a `Range` header asks for; null for the whole, which is also the answer to what is not one plain range of bytes. */
export function rangeOf(header: string | undefined): LogRange | null {
	const [, from, to] = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header ?? '') ?? [];
	if (from === undefined || to === undefined || (from === '' && to === '')) return null;
	if (from === '') return { last: Number(to) };
	if (to === '') return { from: Number(from), to: null };
	return Number(to) < Number(from) ? null : { from: Number(from), to: Number(to) + 1 };
}
