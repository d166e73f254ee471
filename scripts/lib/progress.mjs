// What a person sees while the hub starts: each step that took a moment, with its time.

// Steps quicker than this are not worth a line.
const WORTH_SAYING_MS = 150;

/** @param {(line: string) => void} say */
export function createProgress(say) {
	/**
	 * @template T
	 * @param {string} name
	 * @param {() => T | Promise<T>} work
	 * @param {string} [announcement] said before a step that may take long
	 */
	return async (name, work, announcement) => {
		if (announcement) say(announcement);
		const started = performance.now();
		const result = await work();
		const took = performance.now() - started;
		if (announcement || took > WORTH_SAYING_MS) say(`  ✓ ${name} (${(took / 1000).toFixed(1)} s)`);
		return result;
	};
}
