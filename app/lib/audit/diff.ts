/** One line of a text before and after. */
export interface DiffLine {
	kind: 'same' | 'gone' | 'new';
	text: string;
}

/** Beyond this many cells a comparison line by line costs more than it tells: the texts are shown one after the other. */
const CELLS_MAX = 160_000;

/**
 * What changed between two texts, line by line, by their longest common subsequence. `same` and `gone` lines together are
 * `before`, `same` and `new` lines are `after`.
 */
export function diffLines(before: string, after: string): DiffLine[] {
	const a = before.split('\n');
	const b = after.split('\n');
	let head = 0;
	while (head < a.length && head < b.length && a[head] === b[head]) head++;
	let tail = 0;
	while (tail < a.length - head && tail < b.length - head && a.at(-1 - tail) === b.at(-1 - tail)) tail++;
	const same = (text: string): DiffLine => ({ kind: 'same', text });
	return [
		...a.slice(0, head).map(same),
		...middle(a.slice(head, a.length - tail), b.slice(head, b.length - tail)),
		...a.slice(a.length - tail).map(same),
	];
}

function middle(a: string[], b: string[]): DiffLine[] {
	const gone = a.map((text): DiffLine => ({ kind: 'gone', text }));
	const made = b.map((text): DiffLine => ({ kind: 'new', text }));
	if (a.length === 0 || b.length === 0 || a.length * b.length > CELLS_MAX) return [...gone, ...made];
	// common[i * w + j]: how many lines a[i…] and b[j…] have in common.
	const w = b.length + 1;
	const common = new Uint32Array((a.length + 1) * w);
	const at = (i: number, j: number) => common[i * w + j] ?? 0;
	for (let i = a.length - 1; i >= 0; i--)
		for (let j = b.length - 1; j >= 0; j--)
			common[i * w + j] = a[i] === b[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
	const out: DiffLine[] = [];
	let i = 0;
	let j = 0;
	while (i < a.length && j < b.length) {
		const [left = '', right = ''] = [a[i], b[j]];
		if (left === right) {
			out.push({ kind: 'same', text: left });
			i++;
			j++;
		} else if (at(i + 1, j) >= at(i, j + 1)) {
			out.push({ kind: 'gone', text: left });
			i++;
		} else {
			out.push({ kind: 'new', text: right });
			j++;
		}
	}
	return [...out, ...gone.slice(i), ...made.slice(j)];
}
