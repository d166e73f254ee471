import { AGE_MAX_MS, type Change, type FromBrowser, type Person, ToBrowser } from '#protocol/browser.ts';
import { BROWSER_PROTOCOL } from '#protocol/version.ts';
import { pageAge } from './age.ts';
import { Line } from './line.svelte.ts';

interface RoomHandlers {
	/** The page of the app to be shown at. */
	path: () => string;
	changes: (changes: Change[]) => void;
	people: (people: Person[]) => void;
	/** What happened before is not told: load the rows anew. */
	reset: () => void;
	/** The room is closed to this page for good. */
	lost: (code: number) => void;
}

/** One project's room: its changes from where it left off, and who is there. */
export class ProjectSocket {
	readonly #line: Line;
	readonly #on: RoomHandlers;
	#since: number | null = null;

	constructor(project_id: number, on: RoomHandlers) {
		this.#on = on;
		this.#line = new Line(() => `/live/projects/${String(project_id)}`, {
			opened: () => {
				const age = pageAge();
				const hello = { type: 'hello', v: BROWSER_PROTOCOL, since: this.#since } as const;
				this.#send(age < AGE_MAX_MS ? { ...hello, age } : hello);
				this.at(on.path());
			},
			text: (data) => {
				this.#received(data);
			},
			over: (code) => {
				on.people([]);
				on.lost(code);
			},
		});
	}

	at(path: string): void {
		this.#send({ type: 'at', path: path.slice(0, 300) });
	}

	close(): void {
		this.#line.close();
	}

	#send(frame: FromBrowser) {
		this.#line.send(frame);
	}

	#received(data: string) {
		const frame = ToBrowser.parse(JSON.parse(data));
		if (frame.type === 'welcome') {
			// Without a reset what changed is still to come, and moves the cursor as it arrives.
			if (!frame.reset) return;
			this.#since = frame.seq;
			this.#on.reset();
		} else if (frame.type === 'changes') {
			this.#since = Math.max(this.#since ?? 0, ...frame.changes.map((c) => c.seq));
			this.#on.changes(frame.changes);
		} else this.#on.people(frame.people);
	}
}
