/** Lines somebody points at, first to last. */
export interface LineRange {
	from: number;
	to: number;
}

/** `#L10` or `#L10-L20`, as it stands in the address. Null for anything else. */
export function parseRange(hash: string): LineRange | null {
	const match = /^#L([1-9]\d{0,8})(?:-L([1-9]\d{0,8}))?$/.exec(hash);
	if (!match) return null;
	const a = Number(match[1]);
	const b = Number(match[2] ?? match[1]);
	return { from: Math.min(a, b), to: Math.max(a, b) };
}

export const formatRange = ({ from, to }: LineRange): string =>
	from === to ? `#L${String(from)}` : `#L${String(from)}-L${String(to)}`;
