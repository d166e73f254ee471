import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { parseJson } from '../config.ts';
import { codeOf } from '../failure.ts';
import { openDurable, writeFully, writeWhole } from '../files.ts';

/** Longer than a hub tries to send a mail. */
const KEPT_MS = 72 * 3_600_000;
/** The file is written anew when it has grown by so many lines. */
const COMPACT_AT = 20_000;

const Entry = z.strictObject({
	key: z.uuid(),
	at: z.int(),
	/** begun: it may have been taken. free: it was not, for certain. */
	state: z.enum(['begun', 'sent', 'free']),
});
type Entry = z.infer<typeof Entry>;

const lineOf = (entry: Entry): string => `${JSON.stringify(entry)}\n`;

/** Which mails were handed over, so that none is twice. It outlives the agent's process. */
export class MailLedger {
	readonly #file: string;
	readonly #entries: Map<string, Entry>;
	#lines = 0;
	#writing: Promise<void> = Promise.resolve();

	private constructor(file: string, entries: Map<string, Entry>) {
		this.#file = file;
		this.#entries = entries;
	}

	/** Reads what is there, and starts afresh with what is not too old. A last line without its end was never acted on. */
	static async open(file: string, now: number): Promise<MailLedger> {
		const text = await readFile(file, 'utf8').catch((error: unknown) => {
			if (codeOf(error) === 'ENOENT') return '';
			throw error;
		});
		const entries = new Map<string, Entry>();
		for (const line of text.split('\n').slice(0, -1)) {
			const { data } = Entry.safeParse(parseJson(line));
			if (data) entries.set(data.key, data);
		}
		const ledger = new MailLedger(file, entries);
		ledger.#forget(now);
		await ledger.#compact();
		return ledger;
	}

	of(key: string): 'begun' | 'sent' | null {
		const state = this.#entries.get(key)?.state ?? 'free';
		return state === 'free' ? null : state;
	}

	/** How many were tried since then. */
	since(at: number): number {
		return [...this.#entries.values()].filter((entry) => entry.at > at).length;
	}

	/** Resolves when it is on the disk. */
	note(key: string, state: Entry['state'], now: number): Promise<void> {
		const entry = { key, at: now, state };
		this.#entries.set(key, entry);
		this.#forget(now);
		const written = this.#writing.catch(() => undefined).then(() => this.#append(entry));
		this.#writing = written;
		return written;
	}

	#forget(now: number): void {
		for (const [key, { at }] of this.#entries) if (at < now - KEPT_MS) this.#entries.delete(key);
	}

	async #append(entry: Entry): Promise<void> {
		if (this.#lines >= COMPACT_AT) await this.#compact();
		const handle = await openDurable(this.#file);
		try {
			await writeFully(handle, Buffer.from(lineOf(entry)));
			this.#lines++;
		} finally {
			await handle.close();
		}
	}

	async #compact(): Promise<void> {
		await writeWhole(this.#file, [...this.#entries.values()].map(lineOf).join(''));
		this.#lines = 0;
	}
}
