import { BROWSER_PROTOCOL } from '#protocol/version.ts';
import { type Change, FromBrowser, type Person, type ToBrowser } from '#protocol/browser.ts';
import type { Changes } from './core/changes.ts';
import { PageSockets } from './page-sockets.ts';
import { type Ask, Rights } from './rights.ts';
import type { Watcher } from './watcher.ts';

/** A page's socket, with who sits behind it. Kept with the socket, so that nobody vanishes or stays as a ghost. */
interface Page extends Watcher {
	connection: string;
	path: string;
	/** It has said hello, and is told what changes. */
	follows: boolean;
}

type Hello = Extract<FromBrowser, { type: 'hello' }>;

export const PAGES_MAX = 5_000;
/** The most people a page is told of. */
const PEOPLE_MAX = 200;
/** Several may come and go at once, after a restart: they are told together. */
const PEOPLE_AFTER_MS = 50;
/** Changes in one frame. */
const CHANGES_AT_ONCE = 100;

/** The open pages of a project: who is there, and what they are told. */
export class Pages {
	readonly #sockets: () => WebSocket[];
	readonly #changes: Changes;
	readonly #frames = new PageSockets<FromBrowser, ToBrowser>(FromBrowser);
	#peopleDue = false;

	readonly #rights: Rights;

	constructor(sockets: () => WebSocket[], changes: Changes, ask: Ask) {
		this.#sockets = sockets;
		this.#changes = changes;
		this.#rights = new Rights(
			ask,
			() =>
				sockets().flatMap((ws): [WebSocket, Watcher][] => {
					const page = ws.readyState === WebSocket.OPEN ? pageOf(ws) : null;
					return page ? [[ws, page]] : [];
				}),
			() => {
				this.#people();
			},
		);
	}

	get full(): boolean {
		return this.#sockets().length >= PAGES_MAX;
	}

	add(ws: WebSocket, watcher: Watcher): void {
		setPage(ws, { ...watcher, connection: crypto.randomUUID(), path: '', follows: false });
	}

	get rights(): Rights {
		return this.#rights;
	}

	said(ws: WebSocket, message: string | ArrayBuffer): void {
		const page = pageOf(ws);
		const frame = this.#frames.read(ws, message);
		if (!page || !frame) return;
		if (frame.type === 'hello') {
			setPage(ws, { ...page, follows: true });
			const missed = this.#missed(frame);
			const { connection } = page;
			const reset = missed === null;
			this.#frames.tell(ws, { type: 'welcome', v: BROWSER_PROTOCOL, seq: this.#changes.seq, reset, connection });
			this.#tellChanges(ws, missed ?? []);
		} else setPage(ws, { ...page, path: frame.path });
		this.#people();
	}

	/** What changed, for every page that follows. */
	changed(changes: readonly Change[]): void {
		this.#rights.look(Date.now());
		for (const ws of this.#sockets()) if (pageOf(ws)?.follows) this.#tellChanges(ws, changes);
	}

	gone(): void {
		this.#people();
	}

	#missed({ since, age }: Hello): Change[] | null {
		if (since !== null) return this.#changes.since(since);
		return age === undefined ? null : this.#changes.sinceLoaded(age, Date.now());
	}

	#tellChanges(ws: WebSocket, changes: readonly Change[]) {
		for (let i = 0; i < changes.length; i += CHANGES_AT_ONCE)
			this.#frames.tell(ws, { type: 'changes', changes: changes.slice(i, i + CHANGES_AT_ONCE) });
	}

	#people() {
		if (this.#peopleDue) return;
		this.#peopleDue = true;
		setTimeout(() => {
			this.#peopleDue = false;
			this.#rights.look(Date.now());
			const pages = this.#sockets().flatMap((ws) => {
				const page = ws.readyState === WebSocket.OPEN ? pageOf(ws) : null;
				return page?.follows ? [{ ws, page }] : [];
			});
			const people = pages
				.slice(0, PEOPLE_MAX)
				.map(({ page: { connection, user_id, name, path } }): Person => ({ connection, user_id, name, path }));
			for (const { ws } of pages) this.#frames.tell(ws, { type: 'people', people });
		}, PEOPLE_AFTER_MS);
	}
}

const pageOf = (ws: WebSocket): Page | null => ws.deserializeAttachment() as Page | null;
const setPage = (ws: WebSocket, page: Page) => {
	ws.serializeAttachment(page);
};
