const SETTLE_MS = 150;
const AT_MOST_EVERY_MS = 1500;

/** What is called may be called at every change: the work is done soon after, not more often than its interval, and while the page is looked at. */
export function soon(work: () => unknown): () => void {
	let waiting = false;
	let latest = 0;
	const due = () => {
		if (document.hidden) {
			document.addEventListener('visibilitychange', due, { once: true });
			return;
		}
		waiting = false;
		latest = Date.now();
		work();
	};
	return () => {
		if (waiting) return;
		waiting = true;
		setTimeout(due, Math.max(SETTLE_MS, latest + AT_MOST_EVERY_MS - Date.now()));
	};
}
