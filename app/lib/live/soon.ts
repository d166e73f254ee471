const SETTLE_MS = 150;
const AT_MOST_EVERY_MS = 1500;

let held = 0;
const after = new Set<() => void>();
const underWay = new Set<Promise<unknown>>();

/** Meanwhile no page loads anything anew by itself: what is being removed must not be asked for by the page that is about to be left. */
export async function undisturbed(work: () => Promise<unknown>): Promise<void> {
	held++;
	try {
		// Nor have been asked for: the answer could come after the removal, and find nothing.
		await Promise.allSettled(underWay);
		await work();
	} finally {
		held--;
		if (held === 0) {
			const waiting = [...after];
			after.clear();
			for (const due of waiting) due();
		}
	}
}

/** What is called may be called at every change: the work is done soon after, not more often than its interval, and while the page is looked at. */
export function soon(work: () => unknown): () => void {
	let waiting = false;
	let latest = 0;
	const due = () => {
		if (held > 0) after.add(due);
		else if (document.hidden) document.addEventListener('visibilitychange', due, { once: true });
		else {
			waiting = false;
			latest = Date.now();
			const doing = Promise.resolve(work());
			underWay.add(doing);
			void doing.finally(() => underWay.delete(doing));
		}
	};
	return () => {
		if (waiting) return;
		waiting = true;
		setTimeout(due, Math.max(SETTLE_MS, latest + AT_MOST_EVERY_MS - Date.now()));
	};
}
