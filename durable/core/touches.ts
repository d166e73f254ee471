import { HubKind, type Touch } from '#protocol/browser.ts';

export interface Looker {
	user_id: number;
	admin: boolean;
}

/** What everybody may see, and what only the person it is about and admins may; the rest is for admins alone, but for what is nobody else's. */
const everybodys: ReadonlySet<HubKind> = new Set(['user', 'group', 'agent', 'host']);
const personal: ReadonlySet<HubKind> = new Set(['project', 'token', 'session', 'feed', 'webhook']);

export function concerns({ kind, user_id }: Touch, who: Looker): boolean {
	if (kind === 'notification') return user_id === who.user_id;
	if (who.admin || everybodys.has(kind)) return true;
	return personal.has(kind) && (user_id === who.user_id || (kind === 'project' && user_id === null));
}

/** Kinds and people that are remembered. */
const REMEMBERED_MAX = 1_000;
/** How much longer than its own age a page may have had what it shows: the way there, and clocks that are read one after the other. */
const SLACK_MS = 2_000;

/** What was touched last, for pages that come and come back. In memory: a cursor of an earlier life means that anything may have changed. */
export class Touches {
	readonly #life: string;
	readonly #last = new Map<string, Touch & { seq: number; at: number }>();
	#seq = 0;
	/** What was touched up to here is not all remembered. */
	#forgotten = 0;

	constructor(life: string) {
		this.#life = life;
	}

	get cursor(): string {
		return `${this.#life}.${String(this.#seq)}`;
	}

	add(touches: readonly Touch[], now: number): void {
		this.#seq++;
		for (const touch of touches) {
			const key = `${touch.kind} ${String(touch.user_id)}`;
			this.#last.delete(key);
			this.#last.set(key, { ...touch, seq: this.#seq, at: now });
		}
		for (const [key, { seq }] of this.#last) {
			if (this.#last.size <= REMEMBERED_MAX) break;
			this.#last.delete(key);
			this.#forgotten = seq;
		}
	}

	/** The kinds that concern this person and were touched after the cursor; without one, since the page was loaded. */
	since(cursor: string | null, age: number, now: number, who: Looker): HubKind[] {
		const from = now - age - SLACK_MS;
		if (cursor === null) return this.#kinds(who, ({ at }) => at >= from);
		const [life, seq] = cursor.split('.');
		if (life !== this.#life || !(Number(seq) >= this.#forgotten)) return [...HubKind.options];
		return this.#kinds(who, (touch) => touch.seq > Number(seq));
	}

	#kinds(who: Looker, wanted: (touch: { seq: number; at: number }) => boolean): HubKind[] {
		const found = [...this.#last.values()].filter((touch) => wanted(touch) && concerns(touch, who));
		return [...new Set(found.map(({ kind }) => kind))];
	}
}
