/** Only what differs: an edit must not write over a field it did not touch. */
export function changes<T extends object>(before: T, after: T): Partial<T> {
	const out: Partial<T> = {};
	for (const key in after) if (JSON.stringify(before[key]) !== JSON.stringify(after[key])) out[key] = after[key];
	return out;
}
