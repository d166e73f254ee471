/** How long one look takes, and how late a timer is where others wait for the thread. */
const LOOK_MS = 2;
const LATE_MS = 5;

/**
 * Resolves when the thread has time, and after `most_ms` in any case: what nobody waits for lets go first what somebody does. A timer
 * that is late says that there is such (docs/adr/0027-what-can-wait-waits.md).
 */
export async function calm(most_ms: number): Promise<void> {
	const begun = Date.now();
	for (let at = begun; ;) {
		await new Promise((done) => setTimeout(done, LOOK_MS));
		const now = Date.now();
		if (now - at < LOOK_MS + LATE_MS || now - begun >= most_ms) return;
		at = now;
	}
}

/**
 * To be awaited between the parts of long work: lets the thread read its sockets where it has not for `every_ms`. workerd reads them only
 * when nothing else can run, and one part after the other always can.
 */
export function breather(every_ms: number): () => Promise<void> {
	let at = Date.now();
	return async () => {
		if (Date.now() - at < every_ms) return;
		await new Promise((done) => setTimeout(done, 0));
		at = Date.now();
	};
}
