const bare = (text: string) => text.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase();

/**
 * How well `label` answers `query`: 0 not at all, more the nearer a word of the label begins with it. Accents and case do not
 * matter; each word of the query must be found. The empty query finds everything alike.
 */
export function score(label: string, query: string): number {
	const words = bare(query).split(/\s+/).filter(Boolean);
	const hay = bare(label);
	let sum = 1;
	for (const word of words) {
		const at = hay.indexOf(word);
		if (at === -1) return 0;
		const startsWord = at === 0 || /[^\p{L}\p{N}]/u.test(hay[at - 1] ?? '');
		sum += (startsWord ? 2 : 1) + (at === 0 ? 1 : 0);
	}
	return sum;
}
