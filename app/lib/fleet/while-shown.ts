/**
 * Asks again and again, `every_ms` after the last answer, while the page is looked at. An effect: its answer stops it.
 * An agent's arrival and its host's reports are told to no room, so they are asked for.
 */
export function whileShown(every_ms: number, ask: () => Promise<void>): () => void {
	let over = false;
	let timer: ReturnType<typeof setTimeout>;
	const later = () => {
		timer = setTimeout(() => void turn(), every_ms);
	};
	const turn = async () => {
		try {
			if (!document.hidden) await ask();
		} catch {
			// What is shown stays; the next turn asks again.
		}
		if (!over) later();
	};
	later();
	return () => {
		over = true;
		clearTimeout(timer);
	};
}
