import { invalidate } from '$app/navigation';
import { type FromHubPage, type HubKind, ToHubPage } from '#protocol/browser.ts';
import { BROWSER_PROTOCOL } from '#protocol/version.ts';
import { pageAge } from './age.ts';
import { Line } from './line.svelte.ts';
import { soon } from './soon.ts';

/** What a `load` depends on that shows something of the hub itself: loaded anew when that kind changes. */
export const of = (kind: HubKind) => `hub:${kind}` as const;

const refreshes = new Map<HubKind, () => void>();
/** Loads anew, soon, what depends on that kind. */
function refresh(kind: HubKind) {
	const due = refreshes.get(kind) ?? soon(() => invalidate(of(kind)));
	refreshes.set(kind, due);
	due();
}

/** The hub's own room: what changes that belongs to no project, by kind. */
class HubLine {
	#line: Line | null = null;
	#cursor: string | null = null;
	readonly #listeners = new Map<HubKind, Set<() => void>>();

	/** `lost`: it is closed to this person for good, as `protocol/close-codes.ts` says why. */
	enter(lost: (code: number) => void): void {
		this.leave();
		this.#line = new Line(() => '/live/hub', {
			opened: () => {
				const hello: FromHubPage = { type: 'hello', v: BROWSER_PROTOCOL, since: this.#cursor, age: pageAge() };
				this.#line?.send(hello);
			},
			text: (data) => {
				this.#received(data);
			},
			over: lost,
		});
	}

	leave(): void {
		this.#line?.close();
		this.#line = null;
		this.#cursor = null;
	}

	/** Asks again, soon, whenever that kind changes. An effect: its answer stops it. */
	on(kind: HubKind, ask: () => Promise<unknown>): () => void {
		// What is shown stays where that fails; the next change asks again.
		return this.hear(
			kind,
			soon(() => ask().catch(() => undefined)),
		);
	}

	/** Is called at each change of that kind at once, be the page looked at or not. */
	hear(kind: HubKind, listener: () => void): () => void {
		const listeners = this.#listeners.get(kind) ?? new Set();
		this.#listeners.set(kind, listeners.add(listener));
		return () => listeners.delete(listener);
	}

	#received(data: string) {
		const frame = ToHubPage.parse(JSON.parse(data));
		if (frame.type !== 'touched') return;
		this.#cursor = frame.cursor;
		for (const kind of frame.kinds) {
			refresh(kind);
			for (const listener of this.#listeners.get(kind) ?? []) listener();
		}
	}
}

export const hubLine = new HubLine();
