import { Labels } from '#domain/labels.ts';

/** `zone=eu, role=build`: as people type them. */
export const labelsText = (labels: Labels): string =>
	Object.entries(labels)
		.map(([key, value]) => `${key}=${value}`)
		.join(', ');

/** The inverse of `labelsText`, or the first word that is no label. A key that is named twice holds what came last. */
export function labelsOf(text: string): { labels: Labels; wrong: null } | { labels: null; wrong: string } {
	const labels: Labels = {};
	for (const word of text.split(/[\s,]+/).filter(Boolean)) {
		const at = word.indexOf('=');
		const one = at < 1 ? null : Labels.safeParse({ [word.slice(0, at)]: word.slice(at + 1) });
		if (!one?.success) return { labels: null, wrong: word };
		Object.assign(labels, one.data);
	}
	const all = Labels.safeParse(labels);
	return all.success ? { labels: all.data, wrong: null } : { labels: null, wrong: text.trim().slice(0, 40) };
}
